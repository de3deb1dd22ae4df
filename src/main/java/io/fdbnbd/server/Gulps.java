package io.fdbnbd.server;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ReadableByteChannel;

/**
 * Receives as much as there is in one call. Belongs to the connection's reader.
 *
 * <p>Starts with the connection's own buffer and goes on with a larger one of the pool when gulps fill it, until they
 * have been small for a while. A connection that falls idle in between keeps the larger one: that is what bounds its
 * size, and why it is not the size of the largest request.
 */
final class Gulps {
    private static final int QUIET_GULPS_MAX = 64;

    private final ReadableByteChannel channel;
    private final BufferPool pool;
    private final ByteBuffer share;
    private ByteBuffer in;

    /** Whether {@code in} is the pool's. */
    private boolean grown;

    private boolean filled;
    private int quietGulps;

    /** @param share flipped: what it holds was received already */
    Gulps(ReadableByteChannel channel, BufferPool pool, ByteBuffer share) {
        this.channel = channel;
        this.pool = pool;
        this.share = share;
        this.in = share;
    }

    /** What was received and not taken yet. Another buffer after every {@link #receive}. */
    ByteBuffer buffer() {
        return in;
    }

    /** Waits for more; what was not taken stays at the beginning. Returns false at the end of the stream. */
    boolean receive() throws IOException {
        if (!grown && filled) {
            grow();
        } else if (grown && quietGulps > QUIET_GULPS_MAX) {
            shrink();
        }
        in.compact();
        int bytes = channel.read(in);
        filled = !in.hasRemaining();
        quietGulps = in.position() > share.capacity() / 2 ? 0 : quietGulps + 1;
        in.flip();
        return bytes >= 0;
    }

    private void grow() {
        ByteBuffer larger = pool.tryTake(BufferPool.GULP_BYTES);
        if (larger != null) {
            // Flipped, for the caller compacts.
            in = larger.put(share).flip();
            grown = true;
            quietGulps = 0;
        }
    }

    private void shrink() {
        if (in.remaining() < share.capacity()) {
            share.clear().put(in).flip();
            pool.give(in);
            in = share;
            grown = false;
        }
    }

    /** Gives back what is the pool's; nothing can be received any more. */
    void giveBack() {
        if (grown) {
            pool.give(in);
            in = share;
            grown = false;
        }
    }
}
