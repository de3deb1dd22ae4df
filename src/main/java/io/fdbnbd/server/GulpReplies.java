package io.fdbnbd.server;

import io.fdbnbd.nbd.Framing;
import io.fdbnbd.nbd.Request;
import java.io.IOException;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Collects the replies to the requests of one gulp, so that they are sent in one call. Belongs to the connection's
 * reader.
 *
 * <p>Collects in the connection's own buffer, or in a larger one of the pool while a gulp needs it: between two gulps a
 * connection holds nothing of the pool for replies.
 */
final class GulpReplies {
    private final ReplySender sender;
    private final BufferPool pool;
    private final Framing framing;
    private final ByteBuffer share;
    private final RequestTimes times;
    private ByteBuffer out;

    /** Whether {@code out} is the pool's. */
    private boolean grown;

    GulpReplies(ReplySender sender, BufferPool pool, Framing framing, ByteBuffer share, RequestTimes times) {
        this.sender = sender;
        this.pool = pool;
        this.framing = framing;
        this.share = share;
        this.times = times;
        this.out = share;
    }

    /** Adds a reply without data, to a request of this gulp. */
    void add(Request request, int error) throws IOException {
        add(request, error, times.arrivedNanos());
    }

    /** Adds a reply without data, to a request that may have begun in an earlier gulp. */
    void add(Request request, int error, long arrivedNanos) throws IOException {
        if (out.remaining() < framing.bareBytesMax()) {
            flush();
        }
        framing.putBare(out, request, error);
        times.answered(request, arrivedNanos, error);
    }

    /**
     * Returns the buffer to add {@code bytes} to, sending what is in it if it has no room left; null if it never has
     * that much.
     *
     * @param more whether it is worth the while to have room for more replies of that length
     */
    @Nullable
    ByteBuffer room(int bytes, boolean more) throws IOException {
        if (!grown && (more || bytes > share.capacity())) {
            grow(bytes);
        }
        if (out.remaining() < bytes) {
            flush();
        }
        return out.remaining() < bytes ? null : out;
    }

    private void grow(int bytes) {
        if (bytes > BufferPool.GULP_BYTES + BufferPool.HEADER_ROOM_BYTES) {
            return;
        }
        ByteBuffer larger = pool.tryTake(BufferPool.GULP_BYTES);
        if (larger != null) {
            larger.put(share.flip());
            share.clear();
            out = larger;
            grown = true;
        }
    }

    boolean isEmpty() {
        return out.position() == 0;
    }

    /** Sends what was added, and {@code data} after it. */
    void flushWith(ByteBuffer data) throws IOException {
        sender.send(out.flip(), data);
        out.clear();
        times.sent();
    }

    /** Sends what was added. */
    void flush() throws IOException {
        if (out.position() > 0) {
            sender.send(out.flip(), null);
            out.clear();
            times.sent();
        }
    }

    /** Sends what was added and returns the connection's own buffer, empty, for another use until the next call. */
    ByteBuffer flushAndBorrowShare() throws IOException {
        endGulp();
        return share;
    }

    /** Sends what was added and keeps nothing of the pool. */
    void endGulp() throws IOException {
        flush();
        giveBack();
    }

    /** Gives back what is the pool's; nothing can be added any more after a failure. */
    void giveBack() {
        share.clear();
        if (grown) {
            pool.give(out);
            out = share;
            grown = false;
        }
    }
}
