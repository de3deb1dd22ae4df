package io.fdbnbd.volume;

import io.fdbnbd.util.Ticker;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.tinylog.Logger;

/**
 * Says in the log, once, that a volume waits for a store that keeps failing, and once that it goes on: however many calls
 * are being tried again. Any thread.
 */
final class Stall {

    /** How long nothing may work before the log says so. */
    private static final long LOGGED_AFTER_NANOS = TimeUnit.SECONDS.toNanos(2);

    private final String name;
    private final Ticker ticker;
    private final ReentrantLock lock = new ReentrantLock();

    // Written under lock; read without, so that success costs nothing.
    private volatile boolean failing;

    // Guarded by lock.
    private long sinceNanos;
    private boolean logged;

    Stall(String volumeName, Ticker ticker) {
        this.name = volumeName;
        this.ticker = ticker;
    }

    /** A call has failed and is tried again. */
    void failed(Throwable problem) {
        lock.lock();
        try {
            long now = ticker.nanoTime();
            if (!failing) {
                failing = true;
                sinceNanos = now;
            }
            if (!logged && now - sinceNanos >= LOGGED_AFTER_NANOS) {
                logged = true;
                Logger.warn(
                        "volume '{}' waits for its store since {} s, and keeps trying: {}",
                        name,
                        TimeUnit.NANOSECONDS.toSeconds(now - sinceNanos),
                        problem.getMessage());
            }
        } finally {
            lock.unlock();
        }
    }

    /** A call has worked. */
    void worked() {
        if (!failing) {
            return;
        }
        lock.lock();
        try {
            if (logged) {
                Logger.info(
                        "volume '{}' goes on after {} s",
                        name,
                        TimeUnit.NANOSECONDS.toSeconds(ticker.nanoTime() - sinceNanos));
            }
            failing = false;
            logged = false;
        } finally {
            lock.unlock();
        }
    }
}
