package io.fdbnbd.util;

import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/**
 * Lets others have the processor after each turn of a thread that never has to wait. Virtual threads have no time slices:
 * without this, as many of them as there are carriers keep everybody else out. Yielding serves those that the carrier has
 * woken itself; who was woken from elsewhere (a new client, a timer, a socket) gets it only when the carrier has nothing of
 * its own left to run, for which each of the others has to pause. How long that can take is what all of them together do
 * in a turn.
 *
 * <p>Belongs to one thread. On a platform thread, which has time slices, it does nothing.
 */
public final class Turns {

    /**
     * What is done in a turn; to copy, encode or send as much takes a millisecond or two. A pause needs a timer, whose
     * thread is woken twice for it: after every MiB that was a sixth of the time of large writes.
     */
    static final long TURN_BYTES_MAX = 4 << 20;

    private static final Duration PAUSE = Duration.ofNanos(10_000);

    /** How a pause is made. */
    @FunctionalInterface
    public interface Pause {
        void of(Duration duration) throws InterruptedException;
    }

    private final Pause pause;
    private long bytes;

    public Turns() {
        this(duration -> LockSupport.parkNanos(duration.toNanos()));
    }

    /** @param pause for simulated time */
    public Turns(Pause pause) {
        this.pause = pause;
    }

    /** Something has been done in this turn. */
    public void did(long moreBytes) {
        bytes += moreBytes;
    }

    /** To be called where others may run: pauses if that was a turn. */
    public void letOthersRun() throws InterruptedException {
        if (bytes >= TURN_BYTES_MAX) {
            bytes = 0;
            if (Thread.currentThread().isVirtual()) {
                pause.of(PAUSE);
            }
        }
    }

    /** The thread has waited for something. */
    public void waited() {
        bytes = 0;
    }
}
