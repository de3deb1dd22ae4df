package io.fdbnbd.nbd;

import java.nio.ByteBuffer;

/**
 * Makes data that was read into a buffer a reply, in place: the data is read to where it stands in a simple reply, and
 * only a reply with holes in it has data moved, towards the front.
 *
 * <p>What a hole is, the bytes say: no block of zeroes is ever stored, so a range without data and a range of zeroes are
 * the same. Looking at the first bytes of a page tells most data from a hole.
 */
public final class ReadReply {

    /** Holes begin and end at multiples of this, but for the ends of the request. */
    private static final int PAGE_BYTES = 4096;

    /** A hole between data costs client and server a step each: from this length on it is cheaper than its zeroes. */
    private static final int HOLE_BYTES_MIN = 16 << 10;

    /** A hole with nothing else in its piece saves from this length on. */
    private static final int LONE_HOLE_BYTES_MIN = 512;

    private static final ByteBuffer ZEROES = ByteBuffer.allocateDirect(64 << 10);

    private final Framing framing;
    private final Request request;
    private final ByteBuffer out;

    /** The offset of the byte that stands at index 0 of {@code out}. */
    private final long base;

    private final boolean last;

    private ReadReply(Framing framing, Request request, ByteBuffer out, long base, boolean last) {
        this.framing = framing;
        this.request = request;
        this.out = out;
        this.base = base;
        this.last = last;
    }

    /**
     * Makes a whole reply of a READ's data, which stand in {@code out} from {@link Framing#readHeaderBytes} behind
     * {@code start} up to its position; the position moves to the end of the reply.
     */
    public static void put(Framing framing, Request request, ByteBuffer out, int start) {
        if (framing == Framing.SIMPLE) {
            int end = out.position();
            framing.putReadHeader(out.position(start), request);
            out.position(end);
        } else {
            putPiece(framing, request, out, start, request.offset(), true);
        }
    }

    /**
     * As {@link #put}, for a part of the data that begins at {@code at}, and a framing that is not SIMPLE.
     *
     * @param last whether the reply ends with it
     */
    public static void putPiece(Framing framing, Request request, ByteBuffer out, int start, long at, boolean last) {
        int data = start + framing.readHeaderBytes();
        int end = out.position();
        out.position(start);
        new ReadReply(framing, request, out, at - data, last).putRuns(data, end);
    }

    private void putRuns(int data, int end) {
        if (data == end) {
            framing.putBare(out, request, 0);
            return;
        }
        if (end - data >= LONE_HOLE_BYTES_MIN && isZero(data, end)) {
            putHole(data, end, end);
            return;
        }
        if (request.has(Nbd.CMD_FLAG_DF)) {
            putData(data, end, end);
            return;
        }
        int at = data;
        while (at < end) {
            int hole = nextHole(at, end);
            if (at < hole) {
                putData(at, hole, end);
            }
            at = hole;
            if (at < end) {
                int holeEnd = zeroEnd(at, end);
                putHole(at, holeEnd, end);
                at = holeEnd;
            }
        }
    }

    private void putData(int from, int to, int end) {
        int bytes = to - from;
        framing.putData(out, request, base + from, bytes, last && to == end);
        int place = out.position();
        if (place != from) {
            out.put(place, out, from, bytes);
        }
        out.position(place + bytes);
    }

    private void putHole(int from, int to, int end) {
        framing.putHole(out, request, base + from, to - from, last && to == end);
    }

    /** Where the first hole begins that is worth a chunk, or {@code end}. */
    private int nextHole(int from, int end) {
        int at = from;
        while (end - at >= HOLE_BYTES_MIN) {
            int zeroes = zeroEnd(at, end);
            if (zeroes - at >= HOLE_BYTES_MIN) {
                return at;
            }
            at = Math.max(zeroes, pageEnd(at));
        }
        return end;
    }

    /** The end of the zero pages that begin at {@code from}; {@code from} itself if there are none. */
    private int zeroEnd(int from, int end) {
        int at = from;
        while (at < end) {
            int pageEnd = Math.min(end, pageEnd(at));
            if (!isZero(at, pageEnd)) {
                return at;
            }
            at = pageEnd;
        }
        return at;
    }

    private int pageEnd(int at) {
        return at + PAGE_BYTES - (int) ((base + at) % PAGE_BYTES);
    }

    private boolean isZero(int from, int to) {
        if (to - from >= Long.BYTES && out.getLong(from) != 0) {
            return false;
        }
        for (int at = from; at < to; at += ZEROES.capacity()) {
            int bytes = Math.min(to - at, ZEROES.capacity());
            if (out.slice(at, bytes).mismatch(ZEROES.slice(0, bytes)) >= 0) {
                return false;
            }
        }
        return true;
    }
}
