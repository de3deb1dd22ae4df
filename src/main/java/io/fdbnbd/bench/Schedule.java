package io.fdbnbd.bench;

import java.util.concurrent.TimeUnit;

/**
 * When the requests of one connection are due: at even distances, those of all connections in turn. Not safe for several
 * threads.
 */
final class Schedule {
    private static final long SECOND_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final long startNanos;
    private final int rate;
    private final int lanes;

    /** Of all connections' requests, the number of the one that is next here. */
    private long next;

    /** @param rate of all connections together, above 0 */
    Schedule(long startNanos, int rate, int lane, int lanes) {
        this.startNanos = startNanos;
        this.rate = rate;
        this.lanes = lanes;
        this.next = lane;
    }

    long dueNanos() {
        return startNanos + next / rate * SECOND_NANOS + next % rate * SECOND_NANOS / rate;
    }

    void advance() {
        next += lanes;
    }

    /** Takes all that are due before this time, and returns how many. */
    long skipUntil(long nanos) {
        long skipped = 0;
        while (dueNanos() - nanos < 0) {
            advance();
            skipped++;
        }
        return skipped;
    }
}
