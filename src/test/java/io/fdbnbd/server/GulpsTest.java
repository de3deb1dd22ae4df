package io.fdbnbd.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fdbnbd.util.Ticker;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Random;
import java.util.concurrent.Semaphore;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class GulpsTest {

    /** Gives bytes that count up, as many at a time as it is told. */
    private static final class CountingSource implements Gulps.Source {
        int bytesPerRead;
        int bytesAtHand;
        private byte next;

        @Override
        public int read(ByteBuffer dst) {
            int bytes = Math.min(bytesPerRead, dst.remaining());
            for (int i = 0; i < bytes; i++) {
                dst.put(next++);
            }
            return bytesPerRead < 0 ? -1 : bytes;
        }

        @Override
        public int readWithoutWaiting(ByteBuffer dst) {
            if (bytesAtHand < 0) {
                return -1;
            }
            int bytes = Math.min(bytesAtHand, dst.remaining());
            bytesAtHand -= bytes;
            for (int i = 0; i < bytes; i++) {
                dst.put(next++);
            }
            return bytes;
        }

        @Override
        public boolean isEndedHere() {
            return false;
        }
    }

    private final CountingSource source = new CountingSource();
    private final BufferPool pool = BufferPool.shared(16 << 20);
    private final BufferPool empty = BufferPool.shared(0);
    private Gulps gulps = over(pool);
    private byte expected;

    private Gulps over(BufferPool buffers) {
        return new Gulps(
                source,
                buffers,
                ByteBuffer.allocateDirect(BufferPool.SHARE_BYTES + BufferPool.HEADER_ROOM_BYTES)
                        .flip(),
                new Succession().join("disk", () -> 0, () -> {}),
                new BriefLook(Ticker.SYSTEM, new Semaphore(1)));
    }

    @BeforeEach
    void nothingIsBorrowed() {
        assertEquals(0, pool.taken());
    }

    @Test
    void aLargeBufferIsTakenWhenGulpsFillTheSmallOneAndGivenBackWhenTheyNoLongerDo() throws IOException {
        receive(1 << 20);
        assertEquals(0, pool.taken());
        take(gulps.buffer().remaining());
        receive(1 << 20);
        assertEquals(1, pool.taken());
        assertTrue(gulps.buffer().remaining() >= BufferPool.GULP_BYTES);
        take(gulps.buffer().remaining());
        receiveAndTakeQuietly();
        assertEquals(0, pool.taken());
    }

    @Test
    void nothingIsLostOrDoubledWhateverIsLeftBetweenGulps() throws IOException {
        long seed = Long.getLong("fdbnbd.seed", 20_261_124L);
        System.out.println("GulpsTest: fdbnbd.seed=" + seed);
        Random random = new Random(seed);
        for (int round = 0; round < 50; round++) {
            for (int i = 0; i < 5; i++) {
                receive(1 + random.nextInt(1 << 20));
                take(gulps.buffer().remaining()
                        - random.nextInt(Math.min(5000, gulps.buffer().remaining())));
            }
            for (int i = 0; i < 100; i++) {
                receive(1 + random.nextInt(3000));
                take(random.nextInt(gulps.buffer().remaining() + 1));
                if (gulps.buffer().remaining() > 20_000) {
                    take(gulps.buffer().remaining());
                }
            }
        }
    }

    @Test
    void whatDoesNotFitTheSmallBufferStaysInTheLargeOne() throws IOException {
        receive(1 << 20);
        receive(1 << 20);
        int left = 100_000;
        take(gulps.buffer().remaining() - left);
        for (int i = 0; i < 200; i++) {
            receive(1);
            take(1);
        }
        assertEquals(left, gulps.buffer().remaining());
        assertEquals(1, pool.taken());
    }

    @Test
    void withoutALargeBufferItGoesOnWithTheSmallOne() throws IOException {
        gulps = over(empty);
        for (int i = 0; i < 10; i++) {
            receive(1 << 20);
            take(gulps.buffer().remaining());
        }
        assertTrue(empty.refusals() > 0);
    }

    @Test
    void theEndOfTheStreamIsToldAndWhatWasLeftStays() throws IOException {
        receive(10);
        source.bytesPerRead = -1;
        assertFalse(gulps.receive(false));
        assertEquals(10, gulps.buffer().remaining());
    }

    @Test
    void theLargeBufferIsGivenBackAtTheEnd() throws IOException {
        receive(1 << 20);
        take(gulps.buffer().remaining());
        receive(1 << 20);
        assertEquals(1, pool.taken());
        gulps.giveBack();
        assertEquals(0, pool.taken());
    }

    @Test
    void whatIsReceivedAheadComesInItsOrderAndLeavesTheBufferAlone() throws IOException {
        receive(1000);
        take(500);
        for (int ahead : new int[] {1, 300_000, 5 << 20, 20 << 20}) {
            source.bytesAtHand = ahead;
            assertTrue(gulps.look());
            assertEquals(500, gulps.buffer().remaining());
            int taken = ahead - source.bytesAtHand;
            assertTrue(taken == ahead || taken >= 8 << 20);
            for (int left = taken; left > 0; ) {
                receive(1);
                int bytes = gulps.buffer().remaining() - 500;
                take(bytes);
                left -= bytes;
            }
        }
        gulps.giveBack();
        assertEquals(0, pool.taken());
    }

    @Test
    void whoHangsUpIsFoundOutBehindWhatHeSent() throws IOException {
        receive(1000);
        source.bytesAtHand = 400_000;
        assertTrue(gulps.look());
        source.bytesAtHand = -1;
        assertFalse(gulps.look());
        assertTrue(gulps.isHungUp());
        gulps.giveBack();
        assertEquals(0, pool.taken());
    }

    private void receiveAndTakeQuietly() throws IOException {
        for (int i = 0; i < 200; i++) {
            receive(100);
            take(100);
        }
    }

    private void receive(int bytes) throws IOException {
        source.bytesPerRead = bytes;
        assertTrue(gulps.receive(false));
    }

    private void take(int bytes) {
        ByteBuffer buffer = gulps.buffer();
        for (int i = 0; i < bytes; i++) {
            assertEquals(expected++, buffer.get());
        }
    }
}
