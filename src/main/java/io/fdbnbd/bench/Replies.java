package io.fdbnbd.bench;

import io.fdbnbd.nbd.Nbd;
import io.fdbnbd.nbd.ProtocolException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import org.jspecify.annotations.Nullable;

/** Takes the replies of one connection, many in one read. Not safe for several threads. */
final class Replies {
    private static final int GULP_BYTES = 512 << 10;

    private final SocketChannel channel;
    private final Outstanding outstanding;
    private final Tally tally;
    private final BenchClock clock;
    private final int blockBytes;
    private final ByteBuffer in = ByteBuffer.allocateDirect(GULP_BYTES);

    /** Whose payload comes next, and how much of it. */
    private Outstanding.@Nullable Entry arriving;

    private int payloadLeft;

    Replies(SocketChannel channel, Outstanding outstanding, Tally tally, BenchClock clock, int blockBytes) {
        this.channel = channel;
        this.outstanding = outstanding;
        this.tally = tally;
        this.clock = clock;
        this.blockBytes = blockBytes;
    }

    /**
     * Waits for some bytes, and takes all replies that are complete with them.
     *
     * @return false at the end of the stream
     * @throws ProtocolException if they are none
     */
    boolean receive() throws IOException {
        if (channel.read(in) < 0) {
            return false;
        }
        long now = clock.nanoTime();
        in.flip();
        while (take(now)) {}
        in.compact();
        return true;
    }

    /** Returns false if more is needed. */
    private boolean take(long now) throws ProtocolException {
        if (arriving == null) {
            if (in.remaining() < Nbd.SIMPLE_REPLY_BYTES) {
                return false;
            }
            begin(now);
            return true;
        }
        int bytes = Math.min(payloadLeft, in.remaining());
        in.position(in.position() + bytes);
        payloadLeft -= bytes;
        if (payloadLeft > 0) {
            return false;
        }
        end(arriving, 0, now);
        arriving = null;
        return true;
    }

    private void begin(long now) throws ProtocolException {
        int magic = in.getInt();
        if (magic != Nbd.SIMPLE_REPLY_MAGIC) {
            throw new ProtocolException(
                    "what the server sent is no reply (it begins with 0x" + Integer.toHexString(magic) + ")");
        }
        int error = in.getInt();
        Outstanding.Entry entry = outstanding.find(in.getLong());
        if (error == 0 && entry.command == Nbd.CMD_READ) {
            arriving = entry;
            payloadLeft = blockBytes;
        } else {
            end(entry, error, now);
        }
    }

    private void end(Outstanding.Entry entry, int error, long now) {
        tally.answered(entry, error, now);
        outstanding.remove(entry);
    }
}
