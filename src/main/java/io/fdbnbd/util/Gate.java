package io.fdbnbd.util;

import static io.fdbnbd.util.Checks.checkArgument;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Lets calls into something until it is closed, and lets whoever closes it wait until the last of them has left. Made
 * for native objects, whose use after their end is not an exception but a crash.
 *
 * <p>One atomic addition to enter and one to leave. Calls may nest in a thread, a close inside a call waits for itself.
 */
public final class Gate {
    private static final long CLOSED = Long.MIN_VALUE;

    /** How many calls are inside; {@link #CLOSED} is added by the close, so that negative means closed. */
    private final AtomicLong inside = new AtomicLong();

    private final CountDownLatch empty = new CountDownLatch(1);
    private final String name;

    /**
     * Makes an open gate.
     *
     * @param name what the message of a refusal says is closed
     */
    public Gate(String name) {
        checkArgument(!name.isEmpty(), "a gate needs a name");
        this.name = name;
    }

    /**
     * Every call that returns is followed by {@link #leave}.
     *
     * @throws IllegalStateException after {@link #close}
     */
    public void enter() {
        if (inside.getAndIncrement() < 0) {
            leave();
            throw new IllegalStateException(name + " is closed");
        }
    }

    public void leave() {
        if (inside.decrementAndGet() == CLOSED) {
            empty.countDown();
        }
    }

    /**
     * Refuses calls from now on and returns when all have left. An interrupt does not end the waiting, because nobody
     * may go on to free what is still in use; it stays set.
     *
     * @return whether this call was the one that closed: who is told so releases what is behind the gate
     */
    public boolean close() {
        long before = inside.getAndUpdate(count -> count | CLOSED);
        if (before == 0) {
            empty.countDown();
        }
        boolean interrupted = false;
        while (true) {
            try {
                empty.await();
                break;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        return before >= 0;
    }
}
