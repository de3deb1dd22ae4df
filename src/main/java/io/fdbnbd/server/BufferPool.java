package io.fdbnbd.server;

import static io.fdbnbd.util.Checks.check;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.tinylog.Logger;

/**
 * A bounded number of direct buffers in a few sizes. Nobody ever waits for one: who gets none works in smaller steps.
 * Memory once allocated stays here, to be used again.
 *
 * <p>Any thread. Each shelf's lock guards its fields and is never held together with another.
 */
final class BufferPool {

    /** Every buffer is larger than its size by this, for headers: a reply's data of exactly the size fits. */
    static final int HEADER_ROOM_BYTES = 4096;

    /** What every connection has two of: one to receive into, one for replies. */
    static final int SHARE_BYTES = 64 << 10;

    /** What requests are received into, and their replies collected in, while there are many. */
    static final int GULP_BYTES = 256 << 10;

    /** The longest READ that is complete before its first byte is sent, and so can fail with an error reply. */
    static final int READ_CHUNK_BYTES = 2 << 20;

    private static final int SMALL_BYTES = 4 << 10;

    private static final class Shelf {
        final int bytes;
        final ReentrantLock lock = new ReentrantLock();
        final Deque<ByteBuffer> free = new ArrayDeque<>();
        int creatable;
        int taken;
        long refused;

        Shelf(int sizeBytes, long creatable) {
            this.bytes = sizeBytes + HEADER_ROOM_BYTES;
            this.creatable = (int) Math.min(creatable, Integer.MAX_VALUE);
        }

        @Nullable
        ByteBuffer tryTake() {
            lock.lock();
            try {
                ByteBuffer buffer = free.poll();
                if (buffer != null) {
                    taken++;
                    return buffer.clear();
                }
                if (creatable > 0) {
                    buffer = ByteBuffer.allocateDirect(bytes);
                    creatable--;
                    taken++;
                    return buffer;
                }
            } catch (OutOfMemoryError e) {
                // The JVM's limit is below what the options promised: live with what there is.
                creatable = 0;
                Logger.warn("no memory for a buffer of {} bytes: raise -XX:MaxDirectMemorySize or -Xmx", bytes);
            } finally {
                lock.unlock();
            }
            return null;
        }

        void give(ByteBuffer buffer) {
            lock.lock();
            try {
                free.push(buffer);
                taken--;
            } finally {
                lock.unlock();
            }
        }

        int taken() {
            lock.lock();
            try {
                return taken;
            } finally {
                lock.unlock();
            }
        }

        void countRefusal() {
            lock.lock();
            try {
                refused++;
            } finally {
                lock.unlock();
            }
        }

        long refused() {
            lock.lock();
            try {
                return refused;
            } finally {
                lock.unlock();
            }
        }
    }

    private final List<Shelf> shelves;

    private BufferPool(List<Shelf> shelves) {
        this.shelves = List.copyOf(shelves);
    }

    /** The buffers that all connections share: half of the memory for the largest, the rest for the smaller ones. */
    static BufferPool shared(long bytesMax) {
        List<Shelf> shelves = new ArrayList<>();
        shelves.add(new Shelf(SMALL_BYTES, bytesMax / 16 / (SMALL_BYTES + HEADER_ROOM_BYTES)));
        shelves.add(new Shelf(SHARE_BYTES, bytesMax / 8 / (SHARE_BYTES + HEADER_ROOM_BYTES)));
        shelves.add(new Shelf(GULP_BYTES, bytesMax / 16 * 5 / (GULP_BYTES + HEADER_ROOM_BYTES)));
        shelves.add(new Shelf(READ_CHUNK_BYTES, bytesMax / 2 / (READ_CHUNK_BYTES + HEADER_ROOM_BYTES)));
        return new BufferPool(shelves);
    }

    /** The buffers that connections have of their own. */
    static BufferPool shares(int countMax) {
        return new BufferPool(List.of(new Shelf(SHARE_BYTES, countMax)));
    }

    /**
     * Returns an empty buffer with room for {@code bytes} at least, or null if there is none of the fitting size nor of
     * the next one: small requests must not take all of the large buffers.
     */
    @Nullable
    ByteBuffer tryTake(int bytes) {
        int fitting = 0;
        while (fitting < shelves.size() && shelves.get(fitting).bytes < bytes) {
            fitting++;
        }
        check(fitting < shelves.size(), "no buffer is that large");
        for (int i = fitting; i < Math.min(fitting + 2, shelves.size()); i++) {
            ByteBuffer buffer = shelves.get(i).tryTake();
            if (buffer != null) {
                return buffer;
            }
        }
        shelves.get(fitting).countRefusal();
        return null;
    }

    /** Takes a buffer of {@link #tryTake} back; the giver must not touch it any more. */
    void give(ByteBuffer buffer) {
        for (Shelf shelf : shelves) {
            if (shelf.bytes == buffer.capacity()) {
                shelf.give(buffer);
                return;
            }
        }
        throw new IllegalStateException("a buffer came back that was not from here");
    }

    /** How often {@link #tryTake} had nothing. */
    long refusals() {
        long sum = 0;
        for (Shelf shelf : shelves) {
            sum += shelf.refused();
        }
        return sum;
    }

    /** How many buffers are with somebody. */
    int taken() {
        int sum = 0;
        for (Shelf shelf : shelves) {
            sum += shelf.taken();
        }
        return sum;
    }
}
