package io.fdbnbd.util;

import static io.fdbnbd.util.Checks.check;
import static io.fdbnbd.util.Checks.checkArgument;

import java.util.ArrayDeque;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A bound on bytes held by many parties, each with a {@link Share}. A share may always hold up to its guaranteed part,
 * so that nobody starves behind a party that never lets go; beyond that it takes from the common total, up to its own
 * maximum. All shares together hold at most the total plus one guaranteed part each.
 *
 * <p>Who waits on a share is served in the order of coming, so that large acquisitions do not starve behind small ones.
 *
 * <p>Any thread may call anything. One lock guards all counters; it is held for a few instructions only.
 */
public final class ByteBudget {

    private final long totalBytes;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition released = lock.newCondition();

    // Guarded by lock: what all shares hold beyond their guaranteed parts, and how many threads wait on all of them.
    private long commonBytes;
    private int waiting;

    public ByteBudget(long totalBytes) {
        checkArgument(totalBytes > 0, "a budget must be positive");
        this.totalBytes = totalBytes;
    }

    /**
     * A new party.
     *
     * @param guaranteedBytes what it may hold whatever the others do
     * @param maxBytes what it may hold at most, at least {@code guaranteedBytes}; the largest single acquisition
     */
    public Share share(long guaranteedBytes, long maxBytes) {
        checkArgument(guaranteedBytes > 0 && guaranteedBytes <= maxBytes, "need 0 < guaranteed <= max");
        return new Share(guaranteedBytes, maxBytes);
    }

    /** Bytes held beyond guaranteed parts. */
    public long commonBytes() {
        lock.lock();
        try {
            return commonBytes;
        } finally {
            lock.unlock();
        }
    }

    /** One party's part. */
    public final class Share implements AutoCloseable {

        private final long guaranteedBytes;
        private final long maxBytes;

        // Guarded by lock.
        private long heldBytes;
        private boolean refusing;
        private boolean closed;
        private final ArrayDeque<Object> queue = new ArrayDeque<>();

        private Share(long guaranteedBytes, long maxBytes) {
            this.guaranteedBytes = guaranteedBytes;
            this.maxBytes = maxBytes;
        }

        /**
         * Takes {@code bytes}, waiting until there is room.
         *
         * @param bytes at most this share's maximum; more than that is granted when the share holds nothing else and the
         *     total has room, or nobody holds anything of it
         * @return false if the share refuses: nothing was taken
         */
        public boolean acquire(long bytes) throws InterruptedException {
            lock.lockInterruptibly();
            try {
                if (!refusing && (!queue.isEmpty() || !fits(bytes))) {
                    await(bytes);
                }
                return !refusing && take(bytes);
            } finally {
                lock.unlock();
            }
        }

        private void await(long bytes) throws InterruptedException {
            Object turn = new Object();
            queue.add(turn);
            waiting++;
            try {
                while (!refusing && (!turn.equals(queue.peek()) || !fits(bytes))) {
                    released.await();
                }
            } finally {
                waiting--;
                queue.remove(turn);
                // There may be room for the next, who was not the first until now.
                signal();
            }
        }

        private void signal() {
            if (waiting > 0) {
                released.signalAll();
            }
        }

        /** Takes {@code bytes} if there is room now and nobody waits. */
        public boolean tryAcquire(long bytes) {
            lock.lock();
            try {
                return !refusing && queue.isEmpty() && fits(bytes) && take(bytes);
            } finally {
                lock.unlock();
            }
        }

        public void release(long bytes) {
            lock.lock();
            try {
                if (closed) {
                    return;
                }
                check(bytes <= heldBytes, "released more than was acquired");
                commonBytes -= common(heldBytes) - common(heldBytes - bytes);
                heldBytes -= bytes;
                signal();
            } finally {
                lock.unlock();
            }
        }

        public long maxBytes() {
            return maxBytes;
        }

        public long heldBytes() {
            lock.lock();
            try {
                return heldBytes;
            } finally {
                lock.unlock();
            }
        }

        /** How many threads wait in {@link #acquire}. */
        public int waiterCount() {
            lock.lock();
            try {
                return queue.size();
            } finally {
                lock.unlock();
            }
        }

        /** Wakes and refuses whoever waits in {@link #acquire}, and whoever comes; what is held stays counted. */
        public void refuse() {
            lock.lock();
            try {
                refusing = true;
                released.signalAll();
            } finally {
                lock.unlock();
            }
        }

        /** Refuses, and gives back all that is held: later releases do nothing. */
        @Override
        public void close() {
            lock.lock();
            try {
                refusing = true;
                if (!closed) {
                    release(heldBytes);
                    closed = true;
                }
                released.signalAll();
            } finally {
                lock.unlock();
            }
        }

        private boolean fits(long bytes) {
            long after = heldBytes + bytes;
            if (after <= guaranteedBytes) {
                return true;
            }
            boolean common = commonBytes + common(after) - common(heldBytes) <= totalBytes || commonBytes == 0;
            return common && (after <= maxBytes || heldBytes == 0);
        }

        private boolean take(long bytes) {
            commonBytes += common(heldBytes + bytes) - common(heldBytes);
            heldBytes += bytes;
            return true;
        }

        private long common(long held) {
            return Math.max(0, held - guaranteedBytes);
        }
    }
}
