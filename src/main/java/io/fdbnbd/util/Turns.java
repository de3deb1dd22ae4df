package io.fdbnbd.util;

import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/**
 * Lets others have the processor after each turn of a thread that never has to wait. Virtual threads have no time slices:
 * without this, as many of them as there are carriers keep everybody else out. Yielding serves those that the carrier has
 * woken itself; who was woken from elsewhere (a new client, a timer, a socket) gets it only when the carrier has nothing of
 * its own left to run, for which all have to pause.
 *
 * <p>Belongs to one thread. On a platform thread, which has time slices, it does nothing.
 */
public final class Turns {
    private static final int UNTIL_PAUSE = 16;
    private static final Duration PAUSE = Duration.ofNanos(10_000);

    /** How a pause is made. */
    @FunctionalInterface
    public interface Pause {
        void of(Duration duration) throws InterruptedException;
    }

    private final Pause pause;
    private int inARow;

    public Turns() {
        this(duration -> LockSupport.parkNanos(duration.toNanos()));
    }

    /** @param pause for simulated time */
    public Turns(Pause pause) {
        this.pause = pause;
    }

    /** A turn has ended, and the next could begin at once. */
    @SuppressWarnings("ThreadPriorityCheck")
    public void ended() throws InterruptedException {
        if (!Thread.currentThread().isVirtual()) {
            return;
        }
        inARow++;
        if (inARow % UNTIL_PAUSE == 0) {
            pause.of(PAUSE);
        } else {
            Thread.yield();
        }
    }

    /** The thread has waited for something. */
    public void waited() {
        inARow = 0;
    }
}
