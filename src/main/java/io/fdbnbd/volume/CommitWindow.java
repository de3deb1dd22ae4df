package io.fdbnbd.volume;

import io.fdbnbd.store.StoreLimits;
import io.fdbnbd.util.Ticker;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;

/**
 * How many bytes of one volume may be in transactions at once. More in flight is faster only up to the point where the
 * store begins to queue them; past it, each commit just takes longer. So the window follows the latency of commits, as
 * TCP Vegas follows round trips: it opens while commits take little longer than the quickest seen lately, and closes
 * while they take much longer.
 *
 * <p>Transactions land on their own threads; the committer alone launches.
 */
final class CommitWindow {

    /** A commit that takes up to so many times the quickest is not queueing for long: open further. */
    private static final int OPEN_BELOW = 4;

    /** A commit that takes more than so many times the quickest is queueing: close. */
    private static final int CLOSE_ABOVE = 8;

    /** How long the quickest commit counts: the store may have become slower for good. */
    private static final long QUICKEST_NANOS_MAX = TimeUnit.SECONDS.toNanos(10);

    private final int flightsMax;
    private final long bytesMin;
    private final long bytesMax;
    private final Ticker ticker;
    private final ReentrantLock lock = new ReentrantLock();

    // Guarded by lock.
    private long window;
    private int flights;
    private long bytes;
    private long quickest = Long.MAX_VALUE;
    private long quickestSince;

    CommitWindow(StoreLimits limits, Ticker ticker) {
        this.flightsMax = limits.commitsInFlightMax();
        this.bytesMin = limits.batchBytesTarget();
        this.bytesMax = limits.inFlightBytesMax();
        this.ticker = ticker;
        this.window = Math.min(bytesMax, 4 * bytesMin);
        this.quickestSince = ticker.nanoTime();
    }

    /** Whether another transaction may be launched. One always may when none is in flight. */
    boolean hasRoom() {
        lock.lock();
        try {
            return flights == 0 || (flights < flightsMax && bytes < window);
        } finally {
            lock.unlock();
        }
    }

    boolean isIdle() {
        lock.lock();
        try {
            return flights == 0;
        } finally {
            lock.unlock();
        }
    }

    void launched(long countedBytes) {
        lock.lock();
        try {
            flights++;
            bytes += countedBytes;
        } finally {
            lock.unlock();
        }
    }

    void landed(long countedBytes, long nanos) {
        lock.lock();
        try {
            flights--;
            bytes -= countedBytes;
            adapt(nanos);
        } finally {
            lock.unlock();
        }
    }

    private void adapt(long nanos) {
        long now = ticker.nanoTime();
        if (nanos <= quickest || now - quickestSince > QUICKEST_NANOS_MAX) {
            quickest = Math.max(1, nanos);
            quickestSince = now;
        }
        if (nanos / OPEN_BELOW <= quickest) {
            window = Math.min(bytesMax, window + bytesMin / 4);
        } else if (nanos / CLOSE_ABOVE > quickest) {
            window = Math.max(bytesMin, window - window / 8);
        }
    }

    /** Transactions in flight. */
    int flights() {
        lock.lock();
        try {
            return flights;
        } finally {
            lock.unlock();
        }
    }

    /** Counted bytes of the transactions in flight. */
    long inFlightBytes() {
        lock.lock();
        try {
            return bytes;
        } finally {
            lock.unlock();
        }
    }

    /** Bytes that may be in flight now. */
    long windowBytes() {
        lock.lock();
        try {
            return window;
        } finally {
            lock.unlock();
        }
    }
}
