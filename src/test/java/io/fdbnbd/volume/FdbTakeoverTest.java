package io.fdbnbd.volume;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fdbnbd.store.FaultStore;
import io.fdbnbd.store.fdb.FdbCluster;
import io.fdbnbd.store.fdb.FdbStore;
import io.fdbnbd.util.Closer;
import io.fdbnbd.util.Ticker;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** Two servers, one volume, a real cluster: invariant I5. Each "server" has a store and a session of its own. */
@ExtendWith(FdbCluster.class)
@Timeout(value = 120, unit = TimeUnit.SECONDS)
class FdbTakeoverTest {

    private static final int BLOCK = 4096;
    private static final int BLOCKS = 64;

    private final Closer closer = new Closer();
    private final String prefix = UUID.randomUUID() + "/";
    private Volumes first;
    private Volumes second;

    @BeforeEach
    void twoServers() throws Exception {
        first = server(false);
        second = server(true);
        first.catalog().create(VolumeSpec.of("v", (long) BLOCKS * BLOCK));
    }

    @AfterEach
    void close() throws Exception {
        closer.close();
    }

    private Volumes server(boolean takeOver) throws Exception {
        FdbStore store = closer.register(FdbCluster.shared().openStore(prefix));
        return closer.register(
                new Volumes(store, VolumeOptions.of(AckMode.BUFFERED).withTakeOver(takeOver), Ticker.SYSTEM));
    }

    @Test
    void theDisplacedOwnerCanNeitherWriteNorReadAndTheNewOneSeesWhatWasFlushed() throws Exception {
        try (Attachment old = first.attach("v")) {
            write(old.volume(), 0, 'a');
            old.volume().flush();
            try (Attachment now = second.attach("v")) {
                assertArrayEquals(block('a'), read(now.volume(), 0));
                assertThrows(VolumeException.class, () -> {
                    write(old.volume(), 0, 'b');
                    old.volume().flush();
                });
                VolumeException refused = assertThrows(VolumeException.class, () -> read(old.volume(), 1));
                assertEquals(VolumeException.Kind.LOST_OWNERSHIP, refused.kind());
                assertThrows(VolumeException.class, () -> read(old.volume(), 0), "not from its buffer either");
                now.volume().flush();
                assertArrayEquals(block('a'), read(now.volume(), 0));
            }
        }
    }

    @Test
    void anOwnerThatLivesIsNotDisplacedUnlessAsked() throws Exception {
        Volumes polite = server(false);
        try (Attachment old = first.attach("v")) {
            VolumeException refused = assertThrows(VolumeException.class, () -> polite.attach("v"));
            assertEquals(VolumeException.Kind.BUSY, refused.kind());
            assertTrue(refused.getMessage()
                    .contains(Long.toString(ProcessHandle.current().pid())));
            write(old.volume(), 0, 'a');
            old.volume().flush();
        }
        // Let go properly, it is free at once.
        try (Attachment now = polite.attach("v")) {
            assertArrayEquals(block('a'), read(now.volume(), 0));
        }
    }

    @Test
    @Tag("slow")
    void nothingOfTheOldOwnerLandsAfterATakeoverUnderLoad() throws Exception {
        long seed = Long.getLong("fdbnbd.seed", 1);
        System.out.println("seed " + seed);
        SplittableRandom random = new SplittableRandom(seed);
        for (int round = 0; round < 5; round++) {
            Volumes taker = server(true);
            Volumes owner = round == 0 ? first : second;
            byte mark = (byte) (round + 1);
            try (Attachment old = owner.attach("v")) {
                FutureTask<Integer> load = start(() -> writeUntilRefused(old.volume(), mark));
                for (int i = 0; i < 1 + random.nextInt(20); i++) {
                    old.volume().flush();
                }
                try (Attachment now = taker.attach("v")) {
                    byte[] seen = readAll(now.volume());
                    assertTrue(load.get() > 0, "the old owner wrote something first");
                    assertArrayEquals(seen, readAll(now.volume()), "what the new owner saw at first is what stays");
                    write(now.volume(), 0, 100 + round);
                    now.volume().flush();
                    assertArrayEquals(block(100 + round), read(now.volume(), 0));
                }
            }
        }
    }

    private static int writeUntilRefused(Volume volume, byte mark) {
        int writes = 0;
        try {
            while (true) {
                write(volume, writes % BLOCKS, mark);
                if (++writes % 256 == 0) {
                    volume.flush();
                }
            }
        } catch (VolumeException refused) {
            assertEquals(VolumeException.Kind.LOST_OWNERSHIP, refused.kind());
            return writes;
        }
    }

    private static <T> FutureTask<T> start(Callable<T> work) {
        FutureTask<T> task = new FutureTask<>(work);
        Thread.ofVirtual().name("load").start(task);
        return task;
    }

    private static byte[] block(int mark) {
        byte[] content = new byte[BLOCK];
        Arrays.fill(content, (byte) mark);
        return content;
    }

    private static void write(Volume volume, int block, int mark) throws VolumeException {
        volume.write((long) block * BLOCK, ByteBuffer.wrap(block(mark)), null);
    }

    private static byte[] read(Volume volume, int block) throws VolumeException {
        ByteBuffer content = ByteBuffer.allocate(BLOCK);
        volume.read((long) block * BLOCK, content);
        return content.array();
    }

    private static byte[] readAll(Volume volume) throws VolumeException {
        ByteBuffer content = ByteBuffer.allocate(BLOCKS * BLOCK);
        volume.read(0, content);
        return content.array();
    }

    @Test
    void aVolumeOfAServerThatLivesIsNotDeleted() throws Exception {
        Volumes polite = server(false);
        try (Attachment old = first.attach("v")) {
            VolumeException refused = assertThrows(VolumeException.class, () -> polite.delete("v"));
            assertEquals(VolumeException.Kind.BUSY, refused.kind());
            write(old.volume(), 0, 'a');
            old.volume().flush();
        }
        polite.delete("v");
        assertTrue(polite.catalog().find("v").isEmpty());
    }

    /** The old owner's clock is turned by hand, and its transactions, the lease too, are held up on their way. */
    @Test
    void whatIsInTheOldOwnersBufferIsNotReadAfterTheNewOneHasSpoken() throws Exception {
        AtomicLong jumpedNanos = new AtomicLong();
        FaultStore slow = closer.register(new FaultStore(
                FdbStore.open(FdbCluster.shared().location(prefix), () -> System.nanoTime() + jumpedNanos.get())));
        Volumes slowServer = closer.register(
                new Volumes(slow, VolumeOptions.of(AckMode.BUFFERED), () -> System.nanoTime() + jumpedNanos.get()));
        CountDownLatch hold = new CountDownLatch(1);
        CountDownLatch reached = new CountDownLatch(1);
        try (Attachment old = slowServer.attach("v")) {
            write(old.volume(), 0, 'a');
            old.volume().flush();
            slow.always(call ->
                    call == FaultStore.Call.COMMIT ? FaultStore.Fault.delay(hold, reached) : FaultStore.Fault.NONE);
            write(old.volume(), 0, 'b');
            reached.await();
            assertArrayEquals(block('b'), read(old.volume(), 0));
            try (Attachment now = second.attach("v")) {
                write(now.volume(), 0, 'c');
                now.volume().flush();
                jumpedNanos.addAndGet(2 * slow.limits().guardAgeMax().toNanos());
                assertFalse(old.volume().tryRead(0, ByteBuffer.allocate(BLOCK)));
                VolumeException refused = assertThrows(VolumeException.class, () -> read(old.volume(), 0));
                assertEquals(VolumeException.Kind.LOST_OWNERSHIP, refused.kind());
            }
            hold.countDown();
        } finally {
            hold.countDown();
        }
    }
}
