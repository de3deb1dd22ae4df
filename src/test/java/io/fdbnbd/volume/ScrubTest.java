package io.fdbnbd.volume;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fdbnbd.store.Batch;
import io.fdbnbd.store.FaultStore;
import io.fdbnbd.store.FaultStore.Fault;
import io.fdbnbd.store.StoreException;
import io.fdbnbd.store.memory.MemoryStore;
import io.fdbnbd.util.Ticker;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Damage is put into the store behind the volume's back. */
@Timeout(60)
class ScrubTest {
    private static final String DISK = "disk";
    private static final int BLOCK = 4096;
    private static final int BLOCKS = 1000;
    private static final long WHOLE = Long.MAX_VALUE;

    private final FaultStore store = new FaultStore(new MemoryStore());
    private Volumes volumes;
    private VolumeInfo info;

    @BeforeEach
    void create() throws Exception {
        volumes = new Volumes(store, VolumeOptions.of(AckMode.BUFFERED), Ticker.SYSTEM);
        info = volumes.catalog().create(new VolumeSpec(DISK, 1L << 40, BLOCK, Compression.LZ4));
    }

    @AfterEach
    void close() throws Exception {
        volumes.close();
        store.close();
    }

    /** Some blocks at the beginning, half of them compressible, and one at the end. */
    private void fill() throws Exception {
        Random random = new Random(1);
        try (Attachment attachment = volumes.attach(DISK)) {
            for (int i = 0; i < BLOCKS; i++) {
                write(attachment.volume(), i, random);
            }
            write(attachment.volume(), info.blockCount() - 1, random);
            attachment.volume().flush();
        }
    }

    private static void write(Volume volume, long block, Random random) throws VolumeException {
        byte[] content = new byte[BLOCK];
        if (block % 2 == 0) {
            random.nextBytes(content);
        }
        content[0] = 1;
        volume.write(block * BLOCK, ByteBuffer.wrap(content), null);
    }

    private Scrub.Part verify() throws VolumeException {
        Scrub.Part part = volumes.scrub(DISK).verify(null, WHOLE);
        assertEquals(null, part.next());
        return part;
    }

    private byte[] stored(long block) throws StoreException {
        return Objects.requireNonNull(store.get(Keys.data(info.layer(), block))).clone();
    }

    private void put(long block, byte[] value) throws StoreException {
        store.commit(new Batch().set(Keys.data(info.layer(), block), value));
    }

    private List<Long> damagedOffsets() throws VolumeException {
        Scrub.Part part = verify();
        assertEquals(part.damagedCount(), part.damages().size());
        return part.damages().stream().map(Scrub.Damage::offset).toList();
    }

    @Test
    void whatIsAsItWasWrittenIsFoundSo() throws Exception {
        fill();
        Scrub.Part part = verify();
        assertEquals(BLOCKS + 1, part.blocks());
        assertEquals(List.of(), part.damages());
        assertTrue(part.storedBytes() > BLOCKS / 2 * BLOCK && part.storedBytes() < BLOCKS * BLOCK);
    }

    @Test
    void partsComeToTheSameAsTheWhole() throws Exception {
        fill();
        put(7, new byte[3]);
        Scrub.Part whole = verify();
        long blocks = 0;
        long bytes = 0;
        List<Scrub.Damage> damages = new ArrayList<>();
        byte[] next = null;
        int parts = 0;
        long offset = 0;
        do {
            Scrub.Part part = volumes.scrub(DISK).verify(next, 100_000);
            blocks += part.blocks();
            bytes += part.storedBytes();
            damages.addAll(part.damages());
            next = part.next();
            assertTrue(part.nextOffset() >= offset);
            offset = part.nextOffset();
            parts++;
        } while (next != null);
        assertTrue(parts > 2, "parts: " + parts);
        assertEquals(whole.blocks(), blocks);
        assertEquals(whole.storedBytes(), bytes);
        assertEquals(whole.damages(), damages);
        assertEquals(info.sizeBytes(), offset);
    }

    @Test
    void aFlippedBitIsFoundWhereverItIs() throws Exception {
        fill();
        for (int block : new int[] {4, 5, 999}) {
            byte[] right = stored(block);
            for (int at : new int[] {0, 1, 4, 5, right.length - 1}) {
                byte[] wrong = right.clone();
                wrong[at] ^= 0x40;
                put(block, wrong);
                assertEquals(List.of((long) block * BLOCK), damagedOffsets(), "byte " + at);
            }
            put(block, right);
        }
        assertEquals(List.of(), damagedOffsets());
    }

    @Test
    void swappedBlocksAreFound() throws Exception {
        fill();
        byte[] first = stored(2);
        put(2, stored(3));
        put(3, first);
        assertEquals(List.of(2L * BLOCK, 3L * BLOCK), damagedOffsets());
    }

    @Test
    void aTruncatedValueIsFound() throws Exception {
        fill();
        put(2, Arrays.copyOf(stored(2), 100));
        put(3, Arrays.copyOf(stored(3), 10));
        put(4, new byte[0]);
        assertEquals(List.of(2L * BLOCK, 3L * BLOCK, 4L * BLOCK), damagedOffsets());
    }

    @Test
    void keysThatTheVolumeCannotHaveAreFound() throws Exception {
        fill();
        byte[] key = Keys.data(info.layer(), 10);
        byte[] some = stored(10);
        store.commit(new Batch()
                .set(Keys.data(info.layer(), info.blockCount()), some)
                .set(Keys.data(info.layer(), -1), some)
                .set(Arrays.copyOf(key, 14), some)
                .set(Arrays.copyOf(key, 12), some)
                .set(Arrays.copyOf(key, 5), some));
        assertEquals(List.of(-1L, -1L, -1L, -1L, -1L), damagedOffsets());
        Scrub.Part part = verify();
        assertEquals(BLOCKS + 1 + 5, part.blocks(), part.damages().toString());
    }

    @Test
    void moreKeysThanThereCanBeAreAllSeen() throws Exception {
        Batch batch = new Batch();
        for (int i = 0; i < 3000; i++) {
            byte[] key = Arrays.copyOf(Keys.data(info.layer(), 10), 15);
            key[13] = (byte) (i >> 8);
            key[14] = (byte) i;
            batch.set(key, new byte[1]);
        }
        store.commit(batch);
        Scrub.Part part = verify();
        assertEquals(3000, part.blocks());
        assertEquals(3000, part.damagedCount());
        assertEquals(Scrub.DAMAGES_MAX, part.damages().size());
    }

    @Test
    void otherVolumesAreNotLookedAt() throws Exception {
        fill();
        VolumeInfo other = volumes.catalog().create(new VolumeSpec("other", 1 << 20, BLOCK, Compression.LZ4));
        store.commit(new Batch().set(Keys.data(other.layer(), 0), new byte[1]));
        assertEquals(List.of(), damagedOffsets());
    }

    @Test
    void theOwnersRecordIsLookedAt() throws Exception {
        store.commit(new Batch().set(Keys.owner(info.layer()), new byte[3]));
        assertEquals(List.of(-1L), damagedOffsets());
    }

    @Test
    void aSparseTebibyteTakesAFewReads() throws Exception {
        fill();
        AtomicInteger reads = new AtomicInteger();
        store.always(call -> {
            reads.incrementAndGet();
            return Fault.NONE;
        });
        assertEquals(BLOCKS + 1, verify().blocks());
        assertTrue(reads.get() < 30, "reads: " + reads.get());
    }

    @Test
    void aVolumeThatIsDeletedMeanwhileIsNotCalledFine() throws Exception {
        fill();
        Scrub scrub = volumes.scrub(DISK);
        byte[] next = scrub.verify(null, 100_000).next();
        volumes.delete(DISK);
        VolumeException missing = assertThrows(VolumeException.class, () -> scrub.verify(next, WHOLE));
        assertEquals(VolumeException.Kind.MISSING, missing.kind());
    }

    @Test
    void aStoreThatCannotBeReadIsNoDamage() throws Exception {
        fill();
        Scrub scrub = volumes.scrub(DISK);
        store.onRead(Fault.NONE, Fault.fail(StoreException.Kind.FATAL));
        VolumeException failure = assertThrows(VolumeException.class, () -> scrub.verify(null, WHOLE));
        assertEquals(VolumeException.Kind.IO, failure.kind());
        store.onRead(Fault.NONE, Fault.fail(StoreException.Kind.RETRYABLE));
        assertEquals(BLOCKS + 1, verify().blocks());
    }

    @Test
    void writersCauseNoFalseAlarm() throws Exception {
        fill();
        try (Attachment attachment = volumes.attach(DISK)) {
            FutureTask<Void> writer = new FutureTask<>(() -> {
                Random random = new Random(2);
                while (!Thread.currentThread().isInterrupted()) {
                    long block = random.nextInt(BLOCKS);
                    if (random.nextInt(4) == 0) {
                        attachment.volume().zero(block * BLOCK, 20 * BLOCK, null);
                    } else {
                        write(attachment.volume(), block, random);
                    }
                }
                return null;
            });
            Thread thread = Thread.ofPlatform().name("writer").start(writer);
            for (int i = 0; i < 200; i++) {
                assertEquals(List.of(), verify().damages());
            }
            assertFalse(writer.isDone());
            thread.interrupt();
            thread.join();
        }
        assertEquals(List.of(), verify().damages());
    }
}
