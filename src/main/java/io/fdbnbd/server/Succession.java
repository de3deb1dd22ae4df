package io.fdbnbd.server;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.IntSupplier;

/**
 * The connections of each volume in the order of their attaching, and who has to wait for whom: a client that has given
 * up a connection sends on a new one what it has no answer to, and what is left of the old one must not be executed
 * after that. {@code docs/decisions/0004-late-duplicates.md} has the argument.
 *
 * <p>Threads: each {@link Place} has a reader, the only one to call it, but for {@link Place#isAwaited}. The lock is
 * never held while anything is waited for but itself, and taken by a reader only where somebody waits for it.
 */
final class Succession {

    /** What no socket holds: a reader that has received as much is past everything that was there before. */
    static final long SOCKET_BYTES_MAX = 64L << 20;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();

    // Guarded by lock: by the volume's name, the oldest first.
    private final Map<String, List<Place>> places = new HashMap<>();

    // Guarded by lock: how many wait for older ones.
    private int held;

    /**
     * A new connection's place, behind all others of the volume. Before the client is told that it has the volume, so
     * that whoever connects afterwards comes behind it.
     *
     * @param unread how many bytes have come that were not received; for any thread
     * @param replace ends the connection as soon as it can be done; for the thread of another
     */
    Place join(String volume, IntSupplier unread, Runnable replace) {
        lock.lock();
        try {
            Place place = new Place(volume, unread, replace);
            places.computeIfAbsent(volume, name -> new ArrayList<>()).add(place);
            return place;
        } finally {
            lock.unlock();
        }
    }

    /** How many connections wait for older ones; for tests. */
    int held() {
        lock.lock();
        try {
            return held;
        } finally {
            lock.unlock();
        }
    }

    /** One connection's. */
    final class Place {
        private final String volume;
        private final IntSupplier unread;
        private final Runnable replace;

        /** Whether the reader receives, with all executed that it has received. */
        private volatile boolean idle;

        /** Whether {@code watchers} is not 0. */
        private volatile boolean awaited;

        // Guarded by lock.
        private int watchers;
        private long settled;
        private boolean left;

        /** The reader's: what it has received since it learned that somebody waits for it. */
        private long receivedBytes;

        private Place(String volume, IntSupplier unread, Runnable replace) {
            this.volume = volume;
            this.unread = unread;
            this.replace = replace;
        }

        /**
         * Returns when every older connection of the volume has executed what had come to its socket before this call,
         * or has ended.
         *
         * @return whether that took any waiting
         */
        boolean awaitElders() throws InterruptedException {
            boolean waited = false;
            lock.lockInterruptibly();
            try {
                held++;
                for (Place elder : elders()) {
                    waited |= elder.awaitSettled();
                }
            } finally {
                held--;
                lock.unlock();
            }
            return waited;
        }

        /** Ends every older connection of the volume, and returns when none of them executes anything any more. */
        void replaceElders() throws InterruptedException {
            List<Place> elders;
            lock.lockInterruptibly();
            try {
                elders = elders();
            } finally {
                lock.unlock();
            }
            elders.forEach(elder -> elder.replace.run());
            lock.lockInterruptibly();
            try {
                held++;
                for (Place elder : elders) {
                    while (!elder.left) {
                        changed.await();
                    }
                }
            } finally {
                held--;
                lock.unlock();
            }
        }

        private List<Place> elders() {
            List<Place> all = places.getOrDefault(volume, List.of());
            return List.copyOf(all.subList(0, Math.max(0, all.indexOf(this))));
        }

        private boolean awaitSettled() throws InterruptedException {
            long before = settled;
            boolean waited = false;
            watchers++;
            awaited = true;
            try {
                // Either this sees that it is idle, or its reader sees that it is awaited.
                while (!left && settled == before && !(idle && unread.getAsInt() == 0)) {
                    waited = true;
                    changed.await();
                }
            } finally {
                watchers--;
                awaited = watchers > 0;
            }
            return waited;
        }

        /** Whether a newer connection waits for this one. Any thread. */
        boolean isAwaited() {
            return awaited;
        }

        /** All that was received is executed, or lacks what the client has not sent yet. */
        void receives() {
            idle = true;
            if (awaited && unread.getAsInt() == 0) {
                settle();
            }
        }

        /** Ends what {@link #receives} began. */
        void received(int bytes) {
            idle = false;
            if (!awaited) {
                receivedBytes = 0;
                return;
            }
            // All before these bytes is executed.
            if (receivedBytes > SOCKET_BYTES_MAX) {
                receivedBytes = 0;
                settle();
            }
            receivedBytes += bytes;
        }

        private void settle() {
            lock.lock();
            try {
                settled++;
                changed.signalAll();
            } finally {
                lock.unlock();
            }
        }

        /** Nothing of this connection is executed any more. A second call does nothing. */
        void leave() {
            lock.lock();
            try {
                left = true;
                List<Place> all = places.get(volume);
                if (all != null && all.remove(this) && all.isEmpty()) {
                    places.remove(volume);
                }
                changed.signalAll();
            } finally {
                lock.unlock();
            }
        }
    }
}
