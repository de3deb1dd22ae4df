package io.fdbnbd.volume;

import io.fdbnbd.store.StoreLimits;
import java.util.concurrent.locks.ReentrantLock;

/**
 * How much of one volume may be in transactions at once. Transactions land on their own threads; the committer alone
 * launches.
 */
final class CommitWindow {

    private final int flightsMax;
    private final long bytesMax;
    private final ReentrantLock lock = new ReentrantLock();

    // Guarded by lock.
    private int flights;
    private long bytes;

    CommitWindow(StoreLimits limits) {
        this.flightsMax = limits.commitsInFlightMax();
        this.bytesMax = limits.inFlightBytesMax();
    }

    /** Whether another transaction may be launched. One always may when none is in flight. */
    boolean hasRoom() {
        lock.lock();
        try {
            return flights == 0 || (flights < flightsMax && bytes < bytesMax);
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

    void landed(long countedBytes) {
        lock.lock();
        try {
            flights--;
            bytes -= countedBytes;
        } finally {
            lock.unlock();
        }
    }
}
