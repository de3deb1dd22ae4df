package io.fdbnbd.server;

import java.time.Duration;

/**
 * Whether a client moves what it should: so many bytes within a deadline, for one that takes or gives a byte now and then
 * holds as much for as long as one that has stopped. Belongs to the watchdog.
 */
final class StallWatch {

    /** What is no stall, within each deadline. A line of 100 kbit/s moves more than that in 30 s. */
    static final long BYTES_MIN = 256 << 10;

    /** In place of a number of bytes, while nothing is to be moved. */
    static final long NOTHING = -1;

    private long sinceBytes = NOTHING;
    private long sinceNanos;

    /**
     * To be called again and again.
     *
     * @param bytes how many have been moved so far, or {@link #NOTHING}
     */
    boolean hasStalled(long bytes, long nowNanos, Duration deadline) {
        if (bytes == NOTHING || sinceBytes == NOTHING || bytes - sinceBytes >= BYTES_MIN) {
            sinceBytes = bytes;
            sinceNanos = nowNanos;
        }
        return bytes != NOTHING && nowNanos - sinceNanos > deadline.toNanos();
    }
}
