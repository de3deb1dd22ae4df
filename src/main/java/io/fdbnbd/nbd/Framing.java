package io.fdbnbd.nbd;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * How the requests and replies of a connection look, which its handshake settles. Every {@code put} needs the room to be
 * there and advances {@code out}.
 */
public enum Framing {
    /** One header for each reply, and a READ's data behind it. What a client has that negotiated nothing. */
    SIMPLE(Nbd.SIMPLE_REPLY_BYTES),

    /** A READ is answered in chunks, which tell holes from data, and an error has a chunk with a message. */
    STRUCTURED(Nbd.CHUNK_HEADER_BYTES),

    /** As STRUCTURED, for every command, with lengths of 64 bits in all headers and in what tells of holes. */
    EXTENDED(Nbd.EXTENDED_CHUNK_HEADER_BYTES);

    private static final int HOLE_PAYLOAD_BYTES = Long.BYTES + Integer.BYTES;
    private static final int ERROR_PAYLOAD_BYTES = Integer.BYTES + Short.BYTES;

    private final int headerBytes;

    /** @param headerBytes of a reply, or of a chunk of one */
    Framing(int headerBytes) {
        this.headerBytes = headerBytes;
    }

    /** For the log: as the specification calls it. */
    public String description() {
        return switch (this) {
            case SIMPLE -> "simple replies";
            case STRUCTURED -> "structured replies";
            case EXTENDED -> "extended headers";
        };
    }

    /** Bytes of a request without its payload. */
    public int requestBytes() {
        return this == EXTENDED ? Nbd.EXTENDED_REQUEST_BYTES : Nbd.REQUEST_BYTES;
    }

    /** Bytes that stand before a READ's data. */
    public int readHeaderBytes() {
        return this == SIMPLE ? headerBytes : headerBytes + Long.BYTES;
    }

    /** The most that {@link #putBare} and {@link #putErrorAt} take. */
    public int bareBytesMax() {
        return this == SIMPLE
                ? headerBytes
                : headerBytes + ERROR_PAYLOAD_BYTES + Long.BYTES + Nbd.ERROR_MESSAGE_BYTES_MAX;
    }

    /** A whole reply without data, or the end of one whose data went before. */
    public void putBare(ByteBuffer out, Request request, int error) {
        if (this == SIMPLE) {
            putSimple(out, request, error);
        } else if (error != 0) {
            putError(out, request, Nbd.CHUNK_ERROR, error, 0);
        } else if (this == EXTENDED || request.type() == Nbd.CMD_READ) {
            putChunk(out, request, Nbd.CHUNK_NONE, true, 0);
        } else {
            putSimple(out, request, 0);
        }
    }

    /** The end of a reply to a READ, some of whose data went before: it failed at the byte {@code at}. Not SIMPLE. */
    public void putErrorAt(ByteBuffer out, Request request, int error, long at) {
        putError(out, request, Nbd.CHUNK_ERROR_OFFSET, error, at);
    }

    /**
     * What stands before all data of a READ that goes out as it comes. If SIMPLE, success is announced by that; else
     * {@link #putBare} or {@link #putErrorAt} has to end it.
     */
    public void putReadHeader(ByteBuffer out, Request request) {
        if (this == SIMPLE) {
            putSimple(out, request, 0);
        } else {
            putData(out, request, request.offset(), (int) request.length(), false);
        }
    }

    /** How many extents {@link #putStatus} can put into {@code bytes}. Not SIMPLE. */
    public int statusExtentsMax(int bytes) {
        return (bytes - headerBytes - statusBytes(0)) / (statusBytes(1) - statusBytes(0));
    }

    /** A whole reply to BLOCK_STATUS, with the context that there is. Not SIMPLE. */
    public void putStatus(ByteBuffer out, Request request, List<StatusExtent> extents) {
        int type = this == EXTENDED ? Nbd.CHUNK_BLOCK_STATUS_EXT : Nbd.CHUNK_BLOCK_STATUS;
        putChunk(out, request, type, true, statusBytes(extents.size()));
        out.putInt(Nbd.ALLOCATION_ID);
        if (this == EXTENDED) {
            out.putInt(extents.size());
            for (StatusExtent extent : extents) {
                out.putLong(extent.bytes()).putLong(extent.flags());
            }
        } else {
            for (StatusExtent extent : extents) {
                // No extent is longer than what was asked for.
                out.putInt((int) extent.bytes()).putInt(extent.flags());
            }
        }
    }

    private int statusBytes(int extents) {
        return this == EXTENDED
                ? Integer.BYTES + Integer.BYTES + extents * (Long.BYTES + Long.BYTES)
                : Integer.BYTES + extents * (Integer.BYTES + Integer.BYTES);
    }

    /** The header of an OFFSET_DATA chunk. */
    void putData(ByteBuffer out, Request request, long at, int bytes, boolean done) {
        putChunk(out, request, Nbd.CHUNK_OFFSET_DATA, done, Long.BYTES + bytes);
        out.putLong(at);
    }

    /** A whole OFFSET_HOLE chunk. */
    void putHole(ByteBuffer out, Request request, long at, int bytes, boolean done) {
        putChunk(out, request, Nbd.CHUNK_OFFSET_HOLE, done, HOLE_PAYLOAD_BYTES);
        out.putLong(at).putInt(bytes);
    }

    private void putError(ByteBuffer out, Request request, int type, int error, long at) {
        byte[] message = Nbd.errorMessage(error).getBytes(StandardCharsets.US_ASCII);
        boolean offset = type == Nbd.CHUNK_ERROR_OFFSET;
        putChunk(out, request, type, true, ERROR_PAYLOAD_BYTES + message.length + (offset ? Long.BYTES : 0));
        out.putInt(error).putShort((short) message.length).put(message);
        if (offset) {
            out.putLong(at);
        }
    }

    private void putChunk(ByteBuffer out, Request request, int type, boolean done, int payloadBytes) {
        out.putInt(this == EXTENDED ? Nbd.EXTENDED_CHUNK_MAGIC : Nbd.CHUNK_MAGIC)
                .putShort((short) (done ? Nbd.CHUNK_FLAG_DONE : 0))
                .putShort((short) type)
                .putLong(request.cookie());
        if (this == EXTENDED) {
            out.putLong(request.offset()).putLong(payloadBytes);
        } else {
            out.putInt(payloadBytes);
        }
    }

    private static void putSimple(ByteBuffer out, Request request, int error) {
        out.putInt(Nbd.SIMPLE_REPLY_MAGIC).putInt(error).putLong(request.cookie());
    }
}
