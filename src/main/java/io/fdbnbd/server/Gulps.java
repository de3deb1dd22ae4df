package io.fdbnbd.server;

import io.fdbnbd.nbd.Nbd;
import io.fdbnbd.nbd.Request;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Receives as much as there is in one call. Belongs to the connection's reader.
 *
 * <p>Starts with the connection's own buffer and goes on with a larger one of the pool when gulps fill it, until they
 * have been small for a while. A connection that falls idle in between keeps the larger one: that is what bounds its
 * size, and why it is not the size of the largest request.
 *
 * <p>Whoever had to wait for anything but the client asks {@link #look} before he changes something: it receives ahead,
 * as far as there is memory for it, to learn whether the client has hung up in the meantime.
 */
final class Gulps {
    private static final int QUIET_GULPS_MAX = 64;

    /** What is received ahead, in buffers of a gulp: 8 MiB, more than a socket holds unless it was told to. */
    private static final int AHEAD_BUFFERS_MAX = 32;

    /** Where the bytes come from. */
    interface Source {

        /** Waits for bytes. Returns how many, or -1 at the end of the stream. */
        int read(ByteBuffer dst) throws IOException;

        /** As {@link #read}, but returns 0 where it would have to wait. */
        int readWithoutWaiting(ByteBuffer dst) throws IOException, InterruptedException;

        /** Whether it is this server that ends the stream, because it stops. */
        boolean isEndedHere();
    }

    private final Source source;
    private final BufferPool pool;
    private final ByteBuffer share;
    private final Succession.Place place;
    private final BriefLook look;
    private ByteBuffer in;

    /** Where the bytes in {@code in} end; its limit may be set to the end of a payload. */
    private int end;

    /** Whether {@code in} is the pool's. */
    private boolean grown;

    /** Received behind what is in {@code in}, each ready to be put into. */
    private final Deque<ByteBuffer> ahead = new ArrayDeque<>();

    private boolean filled;
    private boolean ended;
    private boolean hungUp;
    private int quietGulps;

    /** Written by the reader, read by the watchdog. */
    private final AtomicLong receivedBytes = new AtomicLong();

    /** Whether the rest of a request is waited for with memory that others could use. */
    private volatile boolean owed;

    /** @param share flipped: what it holds was received already */
    Gulps(Source source, BufferPool pool, ByteBuffer share, Succession.Place place, BriefLook look) {
        this.source = source;
        this.pool = pool;
        this.share = share;
        this.place = place;
        this.look = look;
        this.in = share;
        this.end = share.limit();
    }

    /** What was received and not taken yet. Another buffer after every {@link #receive}. */
    ByteBuffer buffer() {
        return in;
    }

    /**
     * Waits for more; what was not taken stays at the beginning.
     *
     * @param single whether all that came the last time was one READ, which has its reply
     * @return false at the end of the stream
     */
    boolean receive(boolean single) throws IOException {
        return receive(single, in.hasRemaining());
    }

    /** As {@link #receive(boolean)}, inside of a payload. */
    boolean receiveRest() throws IOException {
        return receive(false, true);
    }

    private boolean receive(boolean single, boolean inside) throws IOException {
        if (!grown && filled) {
            grow();
        } else if (grown && quietGulps > QUIET_GULPS_MAX) {
            shrink();
        }
        in.compact();
        int bytes = takeAhead();
        if (bytes == 0) {
            place.receives();
            bytes = ended ? -1 : await(single, inside);
        }
        place.received(bytes);
        filled = !in.hasRemaining();
        quietGulps = in.position() > share.capacity() / 2 ? 0 : quietGulps + 1;
        end = in.position();
        in.flip();
        return bytes >= 0;
    }

    private int await(boolean single, boolean inside) throws IOException {
        if (!inside || !grown) {
            return look.read(source, in, single);
        }
        owed = true;
        try {
            int bytes = look.read(source, in, single);
            receivedBytes.lazySet(receivedBytes.get() + bytes);
            return bytes;
        } finally {
            owed = false;
        }
    }

    /** How much of requests that it has begun the client has given so far, for {@link StallWatch}. Any thread. */
    long givenBytes() {
        return owed ? receivedBytes.get() : StallWatch.NOTHING;
    }

    private int takeAhead() {
        int start = in.position();
        while (in.hasRemaining() && !ahead.isEmpty()) {
            ByteBuffer first = ahead.getFirst().flip();
            int limit = first.limit();
            in.put(first.limit(Math.min(limit, first.position() + in.remaining())));
            first.limit(limit).compact();
            if (first.position() == 0) {
                pool.give(ahead.removeFirst());
            }
        }
        return in.position() - start;
    }

    /**
     * Receives what is there without waiting, and leaves {@link #buffer} as it is.
     *
     * @return false if the client has hung up: its stream has ended, and not with DISC, or it is broken. Nothing of it
     *     may be executed any more
     */
    boolean look() {
        try {
            int bytes = 1;
            while (bytes > 0) {
                ByteBuffer room = ended ? null : roomAhead();
                bytes = room == null ? 0 : source.readWithoutWaiting(room);
            }
            ended |= bytes < 0;
            hungUp = ended && !source.isEndedHere() && !endsWithDisc();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            hungUp = true; // it was cut
        } catch (IOException e) {
            hungUp = true;
        }
        ended |= hungUp;
        return !hungUp;
    }

    /** Whether {@link #look} has found that. */
    boolean isHungUp() {
        return hungUp;
    }

    private @Nullable ByteBuffer roomAhead() {
        ByteBuffer last = ahead.peekLast();
        if (last != null && last.hasRemaining()) {
            return last;
        }
        if (ahead.size() == AHEAD_BUFFERS_MAX) {
            return null;
        }
        ByteBuffer room = pool.tryTake(BufferPool.GULP_BYTES);
        if (room != null) {
            ahead.addLast(room);
        }
        return room;
    }

    /** The last bytes of the stream are as good as taken: there is no other way to leave than DISC. */
    private boolean endsWithDisc() {
        byte[] last = new byte[Nbd.REQUEST_BYTES];
        int missing = last.length;
        for (Iterator<ByteBuffer> buffers = ahead.descendingIterator(); buffers.hasNext(); ) {
            ByteBuffer buffer = buffers.next();
            missing -= copyEnd(buffer, buffer.position(), last, missing);
        }
        missing -= copyEnd(in, end, last, missing);
        return missing == 0 && Request.isDisc(last);
    }

    private static int copyEnd(ByteBuffer from, int end, byte[] to, int count) {
        int bytes = Math.min(end, count);
        // The limit may be lower than the end.
        from.duplicate().clear().get(end - bytes, to, count - bytes, bytes);
        return bytes;
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
        ahead.forEach(pool::give);
        ahead.clear();
        if (grown) {
            pool.give(in);
            in = share;
            grown = false;
        }
    }
}
