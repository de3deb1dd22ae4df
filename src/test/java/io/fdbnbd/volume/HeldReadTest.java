package io.fdbnbd.volume;

import static io.fdbnbd.volume.Rig.BLOCK;
import static io.fdbnbd.volume.Rig.DEADLINE_SECONDS;
import static io.fdbnbd.volume.Rig.NAME;
import static io.fdbnbd.volume.Rig.SIZE;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fdbnbd.store.FaultStore;
import io.fdbnbd.store.FaultStore.Fault;
import io.fdbnbd.store.memory.MemoryStore;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A read that found a part of a block in the buffer is held before it reaches the store, until that part and what was
 * written after it have landed. What it gives has to be what the block held at one moment: never two of them in one
 * sector.
 */
class HeldReadTest {

    private static final int PART_FROM = 100;
    private static final int PART_TO = 200;

    /** The ways to read. */
    enum Way {
        ALONE {
            @Override
            void read(Volume volume, ByteBuffer dst) throws VolumeException {
                volume.read(0, dst);
            }
        },
        TOGETHER {
            @Override
            void read(Volume volume, ByteBuffer dst) throws VolumeException {
                RangeRead read = new RangeRead(0, dst);
                volume.read(List.of(read, new RangeRead(BLOCK, ByteBuffer.allocate(BLOCK))));
                read.throwFailure();
            }
        },
        AT_ONCE {
            @Override
            void read(Volume volume, ByteBuffer dst) throws VolumeException {
                assertTrue(volume.tryRead(0, dst));
            }
        };

        abstract void read(Volume volume, ByteBuffer dst) throws VolumeException;
    }

    private final FaultStore store = new FaultStore(new MemoryStore());
    private final CountDownLatch holdCommit = new CountDownLatch(1);
    private final CountDownLatch holdRead = new CountDownLatch(1);

    @SuppressWarnings("NullAway.Init")
    private Rig rig;

    @BeforeEach
    void open() throws Exception {
        // Committed: the volume's mark makes no commits between those that are held.
        rig = Rig.on(store, new VolumeSpec(NAME, SIZE, BLOCK, Compression.NONE), AckMode.COMMITTED);
        rig.write(0, BLOCK, 1);
        rig.flush();
    }

    @AfterEach
    void close() throws Exception {
        holdCommit.countDown();
        holdRead.countDown();
        rig.close();
    }

    @ParameterizedTest
    @EnumSource
    void aWholeWriteThatLandsMeanwhileIsNotMixedIn(Way way) throws Exception {
        FutureTask<byte[]> read = startRead(way);
        rig.write(0, BLOCK, 3);
        assertOneOf(List.of(withPart(), Rig.filled(BLOCK, 3)), end(read));
    }

    @ParameterizedTest
    @EnumSource
    void aPartThatLandsMeanwhileIsNotMixedIn(Way way) throws Exception {
        FutureTask<byte[]> read = startRead(way);
        rig.write(PART_FROM + 50, 100, 3);
        byte[] after = withPart();
        Arrays.fill(after, PART_FROM + 50, PART_FROM + 150, (byte) 3);
        assertOneOf(List.of(withPart(), after), end(read));
    }

    @ParameterizedTest
    @EnumSource
    void aClearThatLandsMeanwhileIsNotMixedIn(Way way) throws Exception {
        FutureTask<byte[]> read = startRead(way);
        rig.volume().zero(0, WriteBuffer.CLEAR_BLOCKS_MIN * BLOCK, null);
        assertOneOf(List.of(withPart(), new byte[BLOCK]), end(read));
    }

    @ParameterizedTest
    @EnumSource
    void aClearOfThePartAndAWriteAfterItAreNotMixedIn(Way way) throws Exception {
        FutureTask<byte[]> read = startReadOfPart(way);
        rig.volume().zero(0, WriteBuffer.CLEAR_BLOCKS_MIN * BLOCK, null);
        holdCommit.countDown();
        rig.flush();
        rig.write(0, BLOCK, 3);
        assertOneOf(List.of(withPart(), new byte[BLOCK], Rig.filled(BLOCK, 3)), end(read));
    }

    /** A read that is held, the part that it found having landed. */
    private FutureTask<byte[]> startRead(Way way) throws Exception {
        FutureTask<byte[]> read = startReadOfPart(way);
        holdCommit.countDown();
        rig.flush();
        return read;
    }

    /** A read that is held, and so is the part that it found. */
    private FutureTask<byte[]> startReadOfPart(Way way) throws Exception {
        CountDownLatch commitReached = new CountDownLatch(1);
        store.onCommit(Fault.delay(holdCommit, commitReached));
        rig.write(SIZE - BLOCK, BLOCK, 99);
        Rig.await(commitReached);
        rig.write(PART_FROM, PART_TO - PART_FROM, 2);
        CountDownLatch readReached = new CountDownLatch(1);
        store.onRead(Fault.delay(holdRead, readReached));
        Volume volume = rig.volume();
        FutureTask<byte[]> read = Rig.start(() -> {
            ByteBuffer dst = ByteBuffer.allocate(BLOCK);
            way.read(volume, dst);
            return dst.array();
        });
        Rig.await(readReached);
        return read;
    }

    /** What the read gives, once all that was written has landed. */
    private byte[] end(FutureTask<byte[]> read) throws Exception {
        rig.flush();
        holdRead.countDown();
        return read.get(DEADLINE_SECONDS, TimeUnit.SECONDS);
    }

    private static byte[] withPart() {
        byte[] block = Rig.filled(BLOCK, 1);
        Arrays.fill(block, PART_FROM, PART_TO, (byte) 2);
        return block;
    }

    private static void assertOneOf(List<byte[]> states, byte[] read) {
        if (states.stream().noneMatch(state -> Arrays.equals(state, read))) {
            assertArrayEquals(states.getLast(), read, "at no moment did the block hold this");
        }
    }
}
