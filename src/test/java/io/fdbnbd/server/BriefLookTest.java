package io.fdbnbd.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.Semaphore;
import org.junit.jupiter.api.Test;

/** When a connection looks for its next request, and when it sleeps; in time that every call turns on. */
class BriefLookTest {
    private static final int QUICK_NANOS = 20_000;

    /** Gives one byte at each call that gives any. */
    private final class Client implements Gulps.Source {
        int sleeps;
        int looks;
        boolean sendsNothing;
        int sleepNanos = QUICK_NANOS;

        @Override
        public int read(ByteBuffer dst) {
            sleeps++;
            now += sleepNanos;
            dst.put((byte) 1);
            return 1;
        }

        @Override
        public int readWithoutWaiting(ByteBuffer dst) {
            looks++;
            now += 1000;
            if (sendsNothing) {
                return 0;
            }
            dst.put((byte) 1);
            return 1;
        }

        @Override
        public boolean isEndedHere() {
            return false;
        }
    }

    private long now;
    private final Client client = new Client();
    private final Semaphore turn = new Semaphore(1);
    private final BriefLook look = new BriefLook(() -> now, turn);

    @Test
    void itLooksOnceSingleRequestsHaveComeQuickly() throws IOException {
        read(8, true);
        assertEquals(8, client.sleeps);
        assertEquals(0, client.looks);
        read(100, true);
        assertEquals(8, client.sleeps);
        assertEquals(100, client.looks);
    }

    @Test
    void itNeverLooksForAClientThatTakesItsTime() throws IOException {
        client.sleepNanos = 1_000_000;
        read(100, true);
        assertEquals(0, client.looks);
    }

    @Test
    void itNeverLooksAfterSeveralRequests() throws IOException {
        read(8, true);
        read(1, false);
        assertEquals(9, client.sleeps);
        read(8, true);
        assertEquals(0, client.looks, "that there is one at a time was not shown anew");
    }

    @Test
    void itSleepsNowAndThenToSeeWhetherSeveralWouldComeTogether() throws IOException {
        read(1000, true);
        assertTrue(client.sleeps > 32, client.sleeps + " sleeps");
        assertTrue(client.looks > 800, client.looks + " looks");
    }

    @Test
    void itGoesToSleepWhenNothingCame() throws IOException {
        read(8, true);
        client.sendsNothing = true;
        read(1, true);
        assertEquals(9, client.sleeps);
        assertTrue(client.looks >= 50 && client.looks <= 52, client.looks + " looks of a microsecond each");
        client.looks = 0;
        read(1, true);
        assertEquals(0, client.looks, "it looked again at once");
    }

    @Test
    void onlyOneConnectionLooksAtATime() throws IOException {
        read(8, true);
        turn.acquireUninterruptibly();
        read(1, true);
        assertEquals(0, client.looks);
        turn.release();
        read(8, true);
        assertEquals(1, client.looks, "seven more slept for, and one looked for");
        assertEquals(1, turn.availablePermits());
    }

    private void read(int times, boolean single) throws IOException {
        for (int i = 0; i < times; i++) {
            assertEquals(1, look.read(client, ByteBuffer.allocate(1), single));
        }
    }
}
