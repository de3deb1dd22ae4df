package io.fdbnbd.volume;

import io.fdbnbd.metrics.Measure;
import io.fdbnbd.metrics.Meter;
import io.fdbnbd.store.StoreException;
import io.fdbnbd.util.Ticker;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.tinylog.Logger;

/**
 * Counts the calls of the store that have to be repeated. Says in the log, once, that a volume waits for a store that
 * keeps failing, and once that it goes on: however many calls are being tried again. Any thread.
 */
final class Stall {

    /** How long nothing may work before the log says so. */
    private static final long LOGGED_AFTER_NANOS = TimeUnit.SECONDS.toNanos(2);

    private final String name;
    private final Ticker ticker;
    private final Meter meter;
    private final ReentrantLock lock = new ReentrantLock();

    // Written under lock; read without, so that success costs nothing.
    private volatile boolean failing;

    // Guarded by lock.
    private long sinceNanos;
    private long failures;
    private boolean logged;

    Stall(String volumeName, Ticker ticker, Meter meter) {
        this.name = volumeName;
        this.ticker = ticker;
        this.meter = meter;
    }

    /** A call has failed and is tried again. */
    void failed(StoreException problem) {
        Measure retries = retries(problem.kind());
        if (retries != null) {
            meter.count(retries, 1);
        }
        lock.lock();
        try {
            long now = ticker.nanoTime();
            if (!failing) {
                failing = true;
                sinceNanos = now;
                failures = 0;
            }
            failures++;
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

    private static @Nullable Measure retries(StoreException.Kind kind) {
        return switch (kind) {
            case RETRYABLE -> Measure.RETRIES_RETRYABLE;
            case UNKNOWN_OUTCOME -> Measure.RETRIES_UNKNOWN;
            case UNRESOLVED_OUTCOME -> Measure.RETRIES_UNRESOLVED;
            case GUARD_LOST -> Measure.RETRIES_GUARD;
            case NO_SPACE, FATAL -> null;
        };
    }

    /** Since when the store fails, in nanoseconds by the volume's ticker; empty if it does not. */
    OptionalLong sinceNanos() {
        lock.lock();
        try {
            return failing ? OptionalLong.of(sinceNanos) : OptionalLong.empty();
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
            if (!failing) {
                return;
            }
            long nanos = ticker.nanoTime() - sinceNanos;
            meter.record(Measure.STALL, nanos, 1);
            if (logged) {
                Logger.info(
                        "volume '{}' goes on after {} s, in which {} calls failed",
                        name,
                        TimeUnit.NANOSECONDS.toSeconds(nanos),
                        failures);
            }
            failing = false;
            logged = false;
        } finally {
            lock.unlock();
        }
    }
}
