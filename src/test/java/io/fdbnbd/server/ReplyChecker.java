package io.fdbnbd.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fdbnbd.nbd.Framing;
import io.fdbnbd.nbd.Nbd;
import io.fdbnbd.nbd.Request;
import io.fdbnbd.nbd.StatusExtent;
import java.io.DataInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads replies and holds every byte of them against the specification: that they are for requests that are outstanding,
 * have the form that was negotiated, and end once; that the chunks of a READ lie inside it, never overlap and, if it
 * succeeded, cover it.
 */
final class ReplyChecker {

    /** What became of a request, once all of its reply has come. */
    record Answer(
            Request request, int error, byte[] data, int holeBytes, int contentChunks, List<StatusExtent> extents) {}

    private final DataInputStream in;
    private final Framing framing;
    private final Map<Long, Partial> outstanding = new HashMap<>();

    ReplyChecker(DataInputStream in, Framing framing) {
        this.in = in;
        this.framing = framing;
    }

    /** Has to be called before {@code request} is sent. */
    void expect(Request request) {
        assertEquals(null, outstanding.put(request.cookie(), new Partial(request)), "a cookie in use");
    }

    boolean isDone() {
        return outstanding.isEmpty();
    }

    /** Reads up to the end of the reply that is complete first. */
    Answer next() throws IOException {
        while (true) {
            int magic = in.readInt();
            @Nullable Answer answer;
            if (magic == Nbd.SIMPLE_REPLY_MAGIC) {
                answer = simple();
            } else {
                assertNotEquals(Framing.SIMPLE, framing, "a chunk that was not negotiated");
                boolean extended = framing == Framing.EXTENDED;
                assertEquals(extended ? Nbd.EXTENDED_CHUNK_MAGIC : Nbd.CHUNK_MAGIC, magic, "a magic number");
                answer = chunk();
            }
            if (answer != null) {
                return answer;
            }
        }
    }

    private Answer simple() throws IOException {
        int error = in.readInt();
        Partial partial = outstanding.remove(in.readLong());
        assertNotNull(partial, "a reply to nothing");
        Request request = partial.request;
        boolean read = request.type() == Nbd.CMD_READ;
        assertTrue(error != 0 || request.type() != Nbd.CMD_BLOCK_STATUS, "a simple reply to BLOCK_STATUS");
        assertNotEquals(Framing.EXTENDED, framing, "a simple reply");
        if (framing != Framing.SIMPLE) {
            assertFalse(read, "a simple reply to a READ");
            assertEquals(0, error, "an error should be a chunk");
        }
        checkError(error);
        if (read && error == 0) {
            in.readFully(partial.data);
        }
        return new Answer(request, error, partial.data, 0, 0, List.of());
    }

    private @Nullable Answer chunk() throws IOException {
        int flags = in.readUnsignedShort();
        int type = in.readUnsignedShort();
        long cookie = in.readLong();
        boolean extended = framing == Framing.EXTENDED;
        long offset = extended ? in.readLong() : 0;
        int length = extended ? Math.toIntExact(in.readLong()) : in.readInt();
        assertEquals(0, flags & ~Nbd.CHUNK_FLAG_DONE, "unknown flags of a chunk");
        boolean done = (flags & Nbd.CHUNK_FLAG_DONE) != 0;
        Partial partial = outstanding.get(cookie);
        assertNotNull(partial, "a chunk of nothing, or after the last");
        assertTrue(!extended || offset == partial.request.offset(), "the offset of another request");
        assertTrue(length >= 0 && length <= Nbd.PAYLOAD_ADVERTISED_BYTES_MAX + 8, "a chunk's length");
        switch (type) {
            case Nbd.CHUNK_NONE -> {
                assertEquals(0, length);
                assertTrue(done, "a chunk of nothing that is not the last");
            }
            case Nbd.CHUNK_OFFSET_DATA -> partial.data(length);
            case Nbd.CHUNK_OFFSET_HOLE -> partial.hole(length);
            case Nbd.CHUNK_BLOCK_STATUS, Nbd.CHUNK_BLOCK_STATUS_EXT -> partial.status(type, length);
            case Nbd.CHUNK_ERROR, Nbd.CHUNK_ERROR_OFFSET -> partial.error(type, length);
            default -> throw new AssertionError("a chunk of type " + type);
        }
        if (!done) {
            return null;
        }
        outstanding.remove(cookie);
        return partial.end();
    }

    private static void checkError(int error) {
        assertTrue(
                switch (error) {
                    case 0, Nbd.EPERM, Nbd.EIO, Nbd.EINVAL, Nbd.ENOSPC, Nbd.EOVERFLOW, Nbd.ENOTSUP, Nbd.ESHUTDOWN ->
                        true;
                    default -> false;
                },
                () -> "error " + error);
    }

    /** A request whose reply may have begun. */
    private final class Partial {
        private final Request request;
        private final byte[] data;
        private final BitSet covered = new BitSet();
        private int contentChunks;
        private int holeBytes;
        private int error;
        private int errorType;
        private final List<StatusExtent> extents = new ArrayList<>();

        Partial(Request request) {
            this.request = request;
            boolean reads = request.type() == Nbd.CMD_READ && request.length() <= Nbd.PAYLOAD_BYTES_MAX;
            this.data = new byte[reads ? (int) Math.max(0, request.length()) : 0];
        }

        void data(int length) throws IOException {
            assertTrue(length >= Long.BYTES + 1, "data of no bytes");
            int bytes = length - Long.BYTES;
            in.readFully(data, content(in.readLong(), bytes), bytes);
        }

        void hole(int length) throws IOException {
            assertEquals(Long.BYTES + Integer.BYTES, length, "a hole's length");
            long at = in.readLong();
            int bytes = in.readInt();
            assertTrue(bytes > 0, "a hole of no bytes");
            content(at, bytes);
            holeBytes += bytes;
        }

        /** Returns where in the data the chunk's begin. */
        private int content(long at, int bytes) {
            assertEquals(Nbd.CMD_READ, request.type(), "content for what is no READ");
            assertEquals(0, error, "content after an error");
            contentChunks++;
            assertTrue(!request.has(Nbd.CMD_FLAG_DF) || contentChunks == 1, "fragments in spite of DF");
            assertTrue(
                    at >= request.offset() && at + bytes <= request.offset() + request.length(),
                    "a chunk outside of its request");
            assertTrue(at == request.offset() || at % 512 == 0, "a chunk that begins anywhere");
            int from = (int) (at - request.offset());
            int next = covered.nextSetBit(from);
            assertTrue(next < 0 || next >= from + bytes, "chunks that overlap");
            covered.set(from, from + bytes);
            return from;
        }

        void status(int type, int length) throws IOException {
            boolean extended = framing == Framing.EXTENDED;
            assertEquals(extended ? Nbd.CHUNK_BLOCK_STATUS_EXT : Nbd.CHUNK_BLOCK_STATUS, type);
            assertEquals(Nbd.CMD_BLOCK_STATUS, request.type(), "a status for what did not ask for one");
            assertTrue(extents.isEmpty(), "two of one context");
            assertEquals(Nbd.ALLOCATION_ID, in.readInt());
            int count = extended ? in.readInt() : length / 8;
            assertTrue(count > 0 && length == (extended ? 8 + 16 * count : 4 + 8 * count), "a status' length");
            for (int i = 0; i < count; i++) {
                extents.add(
                        extended
                                ? new StatusExtent(in.readLong(), Math.toIntExact(in.readLong()))
                                : new StatusExtent(Integer.toUnsignedLong(in.readInt()), in.readInt()));
            }
            checkExtents();
        }

        private void checkExtents() {
            long at = request.offset();
            long end = request.offset() + request.length();
            int before = -1;
            for (StatusExtent extent : extents) {
                assertTrue(at < end, "an extent behind the request");
                assertTrue(extent.bytes() > 0, "an extent of no bytes");
                assertTrue(extent.flags() == 0 || extent.flags() == 3, "flags of an extent");
                assertNotEquals(before, extent.flags(), "extents that should be one");
                before = extent.flags();
                at += extent.bytes();
                assertTrue(at % 512 == 0 || at == end, "an extent that ends anywhere");
            }
            if (request.has(Nbd.CMD_FLAG_REQ_ONE)) {
                assertTrue(extents.size() == 1 && at <= end, "more than the one that was asked for");
            }
        }

        void error(int type, int length) throws IOException {
            assertEquals(0, errorType, "two errors");
            errorType = type;
            error = in.readInt();
            assertNotEquals(0, error, "an error that is none");
            checkError(error);
            int messageBytes = in.readUnsignedShort();
            boolean offset = type == Nbd.CHUNK_ERROR_OFFSET;
            assertEquals(length, 4 + 2 + messageBytes + (offset ? 8 : 0), "an error's length");
            assertTrue(messageBytes > 0 && messageBytes <= Nbd.STRING_BYTES_MAX, "a message's length");
            String message = StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(in.readNBytes(messageBytes)))
                    .toString();
            assertFalse(message.indexOf('\0') >= 0 || message.isBlank(), message);
            if (offset) {
                long at = in.readLong();
                assertTrue(
                        at >= request.offset() && at < request.offset() + request.length(),
                        "an error outside of its request");
            }
        }

        Answer end() {
            if (error == 0) {
                assertEquals(data.length, covered.cardinality(), "bytes that no chunk has");
                assertEquals(request.type() == Nbd.CMD_BLOCK_STATUS, !extents.isEmpty(), "a status");
            }
            return new Answer(request, error, data, holeBytes, contentChunks, extents);
        }
    }
}
