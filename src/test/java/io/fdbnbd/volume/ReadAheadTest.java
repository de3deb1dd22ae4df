package io.fdbnbd.volume;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fdbnbd.store.FaultStore;
import io.fdbnbd.store.FaultStore.Fault;
import io.fdbnbd.store.memory.MemoryStore;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What was read ahead is the newest there is, or it is not used. */
@Timeout(Rig.DEADLINE_SECONDS)
class ReadAheadTest {

    private static final int PIECE = ReadAhead.PIECE_BYTES;
    private static final int PIECES = 4;
    private static final Duration AGE_MAX = Duration.ofSeconds(1);

    private final byte[] content = content(1);
    private final AtomicLong now = new AtomicLong();
    private final AtomicInteger reads = new AtomicInteger();
    private final Semaphore permits = new Semaphore(PIECES);
    private volatile boolean failing;
    private final ReadAhead ahead = new ReadAhead(
            new VolumeInfo(Rig.NAME, content.length, Rig.BLOCK, Compression.NONE, Instant.EPOCH, 1),
            PIECES * PIECE,
            AGE_MAX,
            permits,
            this::read,
            Runnable::run,
            now::get);

    private static byte[] content(int seed) {
        byte[] bytes = new byte[10 * PIECE + 100];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    private void read(long offset, ByteBuffer dst) throws VolumeException {
        reads.incrementAndGet();
        if (failing) {
            throw new VolumeException(VolumeException.Kind.IO, "injected");
        }
        dst.put(content, (int) offset, dst.remaining());
    }

    @AfterEach
    void everyPermitIsBackAtTheEnd() {
        ahead.close();
        assertEquals(PIECES, permits.availablePermits());
    }

    private boolean has(int offset, int length) {
        ByteBuffer dst = ByteBuffer.allocate(length);
        if (!ahead.read(offset, dst, false)) {
            assertEquals(0, dst.position());
            return false;
        }
        assertArrayEquals(Arrays.copyOfRange(content, offset, offset + length), dst.array());
        return true;
    }

    @Test
    void aClientThatGoesForwardsFindsWhatItAsksFor() {
        for (int at = 0; at + 5000 < content.length; at += 5000) {
            ahead.want(at);
            assertTrue(has(at, 5000), "at " + at);
        }
        assertEquals(11, reads.get(), "every piece is read once");
    }

    @Test
    void whatWasWrittenSinceIsNotUsed() {
        ahead.want(0);
        ahead.drop(PIECE + 5, 1);
        assertTrue(has(0, PIECE));
        assertFalse(has(PIECE, 512));
        assertTrue(has(2 * PIECE, 512));
        ahead.dropAll();
        assertFalse(has(2 * PIECE, 512));
    }

    @Test
    void whatIsOldIsNotUsedAndMakesRoom() {
        ahead.want(0);
        now.addAndGet(AGE_MAX.toNanos() + 1);
        assertFalse(has(0, 512));
        ahead.want(5 * PIECE);
        assertTrue(has(5 * PIECE, 512));
    }

    @Test
    void aPieceThatCouldNotBeReadIsForgotten() {
        failing = true;
        ahead.want(0);
        assertFalse(has(0, 512));
        failing = false;
        ahead.want(0);
        assertTrue(has(0, 512));
    }

    @Test
    void noMoreIsKeptThanThereAreBytesFor() {
        permits.drainPermits();
        ahead.want(0);
        assertFalse(has(0, 512));
        assertEquals(0, reads.get());
        permits.release(PIECES);
    }

    /** The fill has read the old bytes and is held before it tells so; the write comes then. */
    @Test
    void aWriteDuringTheReadingDropsThePiece() throws Exception {
        FaultStore faults = new FaultStore(new MemoryStore());
        ParallelStore store = new ParallelStore(faults, 1, false);
        try (Rig rig = Rig.on(store)) {
            long last = Rig.SIZE - PIECE;
            rig.write(last, 1, 1);
            rig.flush();
            CountDownLatch hold = new CountDownLatch(1);
            CountDownLatch reached = new CountDownLatch(1);
            faults.onRead(Fault.delay(hold, reached));
            rig.volume().readAhead(last);
            Rig.await(reached);
            rig.write(last, 1, 2);
            rig.flush();
            hold.countDown();
            rig.assertReads(2, last, 1);
        }
    }

    @Test
    void readingAheadNeverShowsOldBytes() throws Exception {
        long seed = Long.getLong("fdbnbd.seed", 20261123);
        Random random = new Random(seed);
        ParallelStore store = new ParallelStore(new MemoryStore(), seed, false);
        try (Rig rig = Rig.on(store)) {
            Volume volume = rig.volume();
            byte[] model = new byte[1 << 20];
            for (int round = 0; round < 4000; round++) {
                int offset = random.nextInt(model.length - 20_000);
                byte[] bytes = new byte[1 + random.nextInt(20_000)];
                switch (random.nextInt(5)) {
                    case 0 -> volume.readAhead(offset);
                    case 1 -> {
                        random.nextBytes(bytes);
                        volume.write(offset, ByteBuffer.wrap(bytes), null);
                        System.arraycopy(bytes, 0, model, offset, bytes.length);
                    }
                    case 2 -> {
                        volume.zero(offset, bytes.length, null);
                        Arrays.fill(model, offset, offset + bytes.length, (byte) 0);
                    }
                    default -> {
                        volume.read(offset, ByteBuffer.wrap(bytes));
                        assertArrayEquals(
                                Arrays.copyOfRange(model, offset, offset + bytes.length),
                                bytes,
                                "seed " + seed + ", round " + round);
                    }
                }
            }
        }
    }
}
