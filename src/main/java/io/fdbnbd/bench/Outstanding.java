package io.fdbnbd.bench;

import io.fdbnbd.nbd.ProtocolException;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The requests of one connection that are not answered yet, at most as many as the depth. One thread sends, one takes
 * replies, and they may be the same.
 *
 * <p>{@code lock} guards all that follows it; the entry of a request that was found by its cookie belongs to the thread
 * that takes replies until it gives it back.
 */
final class Outstanding {

    /** A request that was sent. */
    static final class Entry {
        private final int slot;
        private int turn;
        private boolean taken;
        int command;
        long dueNanos;
        long sentNanos;

        Entry(int slot) {
            this.slot = slot;
        }

        /** A late reply to an earlier request in this place has another. */
        long cookie() {
            return (long) turn << Integer.SIZE | slot;
        }
    }

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition change = lock.newCondition();
    private final Entry[] entries;
    private final int[] free;
    private int freeCount;
    private boolean sendingOver;

    Outstanding(int depth) {
        entries = new Entry[depth];
        free = new int[depth];
        for (int slot = 0; slot < depth; slot++) {
            entries[slot] = new Entry(slot);
            free[freeCount++] = slot;
        }
    }

    /** How many more may be sent. It only grows but by {@link #add}. */
    int room() {
        lock.lock();
        try {
            return freeCount;
        } finally {
            lock.unlock();
        }
    }

    /** Waits until one more may be sent, or {@link #endSending} was called. */
    void awaitRoom() throws InterruptedException {
        lock.lock();
        try {
            while (freeCount == 0 && !sendingOver) {
                change.await();
            }
        } finally {
            lock.unlock();
        }
    }

    /** A request that is about to be sent; there must be room. */
    Entry add(int command, long dueNanos, long sentNanos) {
        lock.lock();
        try {
            Entry entry = entries[free[--freeCount]];
            entry.taken = true;
            entry.turn++;
            entry.command = command;
            entry.dueNanos = dueNanos;
            entry.sentNanos = sentNanos;
            return entry;
        } finally {
            lock.unlock();
        }
    }

    /** @throws ProtocolException if no request with this cookie is outstanding */
    Entry find(long cookie) throws ProtocolException {
        int slot = (int) cookie;
        lock.lock();
        try {
            if (slot < 0 || slot >= entries.length || !entries[slot].taken || entries[slot].cookie() != cookie) {
                throw new ProtocolException("a reply to a request that is not outstanding (cookie 0x"
                        + Long.toHexString(cookie) + "): the server is out of step");
            }
            return entries[slot];
        } finally {
            lock.unlock();
        }
    }

    /** The request was answered. */
    void remove(Entry entry) {
        lock.lock();
        try {
            entry.taken = false;
            free[freeCount++] = entry.slot;
            change.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Nothing more will be sent. */
    void endSending() {
        lock.lock();
        try {
            sendingOver = true;
            change.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Whether nothing more will be sent, and everything was answered. */
    boolean isOver() {
        lock.lock();
        try {
            return sendingOver && freeCount == entries.length;
        } finally {
            lock.unlock();
        }
    }

    int count() {
        lock.lock();
        try {
            return entries.length - freeCount;
        } finally {
            lock.unlock();
        }
    }
}
