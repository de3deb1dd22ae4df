package io.fdbnbd.util;

import java.time.Duration;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Keeps a log readable while something fails a thousand times a second: a few lines an interval, the rest is counted.
 *
 * <p>Any thread; {@code lock} guards all fields.
 */
public final class RateLimit {
    private static final long INTERVAL_NANOS = Duration.ofSeconds(10).toNanos();
    private static final int LINES_MAX = 5;

    private final Ticker ticker;
    private final ReentrantLock lock = new ReentrantLock();
    private long intervalStart;
    private int lines;
    private long suppressed;

    public RateLimit(Ticker ticker) {
        this.ticker = ticker;
        this.intervalStart = ticker.nanoTime();
    }

    /** Returns -1 if the line must not be written, else how many were not since the last one that was. */
    public long tryLine() {
        lock.lock();
        try {
            long now = ticker.nanoTime();
            if (now - intervalStart >= INTERVAL_NANOS) {
                intervalStart = now;
                lines = 0;
            }
            if (lines == LINES_MAX) {
                suppressed++;
                return -1;
            }
            lines++;
            long left = suppressed;
            suppressed = 0;
            return left;
        } finally {
            lock.unlock();
        }
    }

    /** What to end a line with for a result of {@link #tryLine}. */
    public static String leftOut(long suppressed) {
        return suppressed == 0 ? "" : " (" + suppressed + " lines like this were left out before)";
    }
}
