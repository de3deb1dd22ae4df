package io.fdbnbd.server;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fdbnbd.nbd.Framing;
import io.fdbnbd.nbd.Nbd;
import io.fdbnbd.nbd.Request;
import io.fdbnbd.nbd.StatusExtent;
import io.fdbnbd.server.ReplyChecker.Answer;
import java.io.ByteArrayInputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** What a checker would let pass, no test that rests on it would see: so it is shown every kind of wrong reply. */
class ReplyCheckerTest {
    private static final int DONE = Nbd.CHUNK_FLAG_DONE;
    private static final int HOLE = Nbd.STATE_HOLE | Nbd.STATE_ZERO;
    private static final Request READ = new Request(0, Nbd.CMD_READ, 7, 4096, 8192);
    private static final Request READ_WHOLE = new Request(Nbd.CMD_FLAG_DF, Nbd.CMD_READ, 7, 4096, 8192);
    private static final Request STATUS = new Request(0, Nbd.CMD_BLOCK_STATUS, 7, 4096, 8192);
    private static final Request STATUS_OF_ONE = new Request(Nbd.CMD_FLAG_REQ_ONE, Nbd.CMD_BLOCK_STATUS, 7, 4096, 8192);
    private static final Request FLUSH = new Request(0, Nbd.CMD_FLUSH, 7, 0, 0);

    /** Writes replies, right and wrong ones. */
    private static final class Script {
        private final Framing framing;
        private final ByteBuffer bytes = ByteBuffer.allocate(1 << 16);

        Script(Framing framing) {
            this.framing = framing;
        }

        Script simple(int error) {
            bytes.putInt(Nbd.SIMPLE_REPLY_MAGIC).putInt(error).putLong(7);
            return this;
        }

        Script chunk(int flags, int type, int length) {
            return chunk(flags, type, length, 7, 4096);
        }

        Script chunk(int flags, int type, int length, long cookie, long offset) {
            boolean extended = framing == Framing.EXTENDED;
            bytes.putInt(extended ? Nbd.EXTENDED_CHUNK_MAGIC : Nbd.CHUNK_MAGIC);
            bytes.putShort((short) flags).putShort((short) type).putLong(cookie);
            if (extended) {
                bytes.putLong(offset).putLong(length);
            } else {
                bytes.putInt(length);
            }
            return this;
        }

        Script data(int flags, long at, int length) {
            chunk(flags, Nbd.CHUNK_OFFSET_DATA, 8 + length);
            bytes.putLong(at).put(NbdTestClient.bytes(length, 1));
            return this;
        }

        Script hole(int flags, long at, int length) {
            chunk(flags, Nbd.CHUNK_OFFSET_HOLE, 12);
            bytes.putLong(at).putInt(length);
            return this;
        }

        Script error(int flags, int number, String message) {
            chunk(flags, Nbd.CHUNK_ERROR, 6 + message.length());
            return message(number, message);
        }

        Script errorAt(int flags, long at) {
            chunk(flags, Nbd.CHUNK_ERROR_OFFSET, 15).message(Nbd.EIO, "x");
            bytes.putLong(at);
            return this;
        }

        private Script message(int number, String message) {
            bytes.putInt(number).putShort((short) message.length()).put(message.getBytes(StandardCharsets.US_ASCII));
            return this;
        }

        /** @param extents lengths and flags by turns */
        Script status(int flags, int context, int... extents) {
            chunk(flags, Nbd.CHUNK_BLOCK_STATUS, 4 + 4 * extents.length);
            bytes.putInt(context);
            for (int extent : extents) {
                bytes.putInt(extent);
            }
            return this;
        }

        /** Up to the end of what the server sends, by which the request must have been answered. */
        Answer check(Request request) throws IOException {
            DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes.array(), 0, bytes.position()));
            ReplyChecker checker = new ReplyChecker(in, framing);
            checker.expect(request);
            Answer answer = checker.next();
            assertTrue(checker.isDone());
            if (in.available() > 0) {
                checker.next();
            }
            return answer;
        }
    }

    private static Answer right(Framing framing, Request request, Consumer<Script> replies) throws IOException {
        Script script = new Script(framing);
        replies.accept(script);
        return script.check(request);
    }

    private final List<String> passed = new ArrayList<>();

    private void wrong(String what, Framing framing, Request request, Consumer<Script> replies) {
        Script script = new Script(framing);
        replies.accept(script);
        try {
            script.check(request);
            passed.add(what);
        } catch (AssertionError | IOException e) {
            // it is seen
        }
    }

    private void wrong(String what, Request request, Consumer<Script> replies) {
        wrong(what, Framing.STRUCTURED, request, replies);
    }

    @Test
    void rightRepliesPass() throws Exception {
        Answer read = right(Framing.STRUCTURED, READ, s -> s.hole(0, 8192, 4096).data(DONE, 4096, 4096));
        assertEquals(4096, read.holeBytes());
        assertArrayEquals(NbdTestClient.bytes(4096, 1), Arrays.copyOf(read.data(), 4096));
        right(Framing.STRUCTURED, READ, s -> s.data(0, 4096, 8192).chunk(DONE, Nbd.CHUNK_NONE, 0));
        right(Framing.EXTENDED, READ_WHOLE, s -> s.hole(DONE, 4096, 8192));
        assertEquals(
                Nbd.EIO,
                right(Framing.STRUCTURED, READ, s -> s.data(0, 4096, 512).errorAt(DONE, 4608))
                        .error());
        assertEquals(
                List.of(new StatusExtent(4096, HOLE), new StatusExtent(4096, 0)),
                right(Framing.STRUCTURED, STATUS, s -> s.status(DONE, Nbd.ALLOCATION_ID, 4096, HOLE, 4096, 0))
                        .extents());
        right(Framing.STRUCTURED, FLUSH, s -> s.simple(0));
        right(Framing.SIMPLE, READ, s -> s.simple(Nbd.EINVAL));
    }

    @Test
    void aReplyWithoutAnEndIsWaitedFor() {
        assertThrows(EOFException.class, () -> right(Framing.STRUCTURED, READ, s -> s.data(0, 4096, 8192)));
    }

    @Test
    void wrongContentIsSeen() {
        wrong("a byte without a chunk", READ, s -> s.data(DONE, 4096, 8191));
        wrong("a hole too short", READ, s -> s.data(0, 4096, 4096).hole(DONE, 8192, 4095));
        wrong("a hole too long", READ, s -> s.data(0, 4096, 4096).hole(DONE, 8192, 4097));
        wrong("a hole in front", READ, s -> s.hole(DONE, 0, 12_288));
        wrong("an overlap", READ, s -> s.data(0, 4096, 8192).hole(DONE, 8192, 4096));
        wrong("a gap", READ, s -> s.data(0, 4096, 512).hole(DONE, 8192, 4096));
        wrong("a hole of nothing", READ, s -> s.data(0, 4096, 8192).hole(DONE, 4096, 0));
        wrong("data of nothing", READ, s -> s.data(0, 4096, 8192).data(DONE, 4096, 0));
        wrong("a chunk that begins anywhere", READ, s -> s.data(0, 4096, 100).data(DONE, 4196, 8092));
        wrong("fragments in spite of DF", READ_WHOLE, s -> s.data(0, 4096, 4096).data(DONE, 8192, 4096));
        wrong("data for FLUSH", FLUSH, s -> s.data(DONE, 0, 512));
        wrong("DONE twice", READ, s -> s.data(DONE, 4096, 8192).chunk(DONE, Nbd.CHUNK_NONE, 0));
        wrong("DONE too early", READ, s -> s.data(DONE, 4096, 4096).data(DONE, 8192, 4096));
        assertEquals(List.of(), passed);
    }

    @Test
    void wrongFormsAreSeen() {
        wrong("an unknown flag", READ, s -> s.data(DONE | 2, 4096, 8192));
        wrong("an unknown type", READ, s -> s.chunk(DONE, 99, 0));
        wrong(
                "a NONE that is not the end",
                READ,
                s -> s.chunk(0, Nbd.CHUNK_NONE, 0).data(DONE, 4096, 8192));
        wrong("a NONE with something in it", READ, s -> s.data(0, 4096, 8192).chunk(DONE, Nbd.CHUNK_NONE, 4));
        wrong("another's cookie", READ, s -> s.chunk(DONE, Nbd.CHUNK_NONE, 0, 8, 0));
        wrong("a simple reply to READ", READ, s -> s.simple(0));
        wrong("a simple error", FLUSH, s -> s.simple(Nbd.EIO));
        wrong("a chunk", Framing.SIMPLE, READ, s -> s.data(DONE, 4096, 8192));
        wrong("a simple reply", Framing.EXTENDED, FLUSH, s -> s.simple(0));
        wrong("another's offset", Framing.EXTENDED, READ, s -> s.chunk(DONE, Nbd.CHUNK_NONE, 0, 7, 0));
        assertEquals(List.of(), passed);
    }

    @Test
    void wrongErrorsAreSeen() {
        wrong("an error that is none", READ, s -> s.error(DONE, 0, "x"));
        wrong("a number of another system", READ, s -> s.error(DONE, 2, "x"));
        wrong("no message", READ, s -> s.error(DONE, Nbd.EIO, ""));
        wrong("a NUL", READ, s -> s.error(DONE, Nbd.EIO, "a\0"));
        wrong("two errors", READ, s -> s.error(0, Nbd.EIO, "x").errorAt(DONE, 4096));
        wrong("content after an error", READ, s -> s.error(0, Nbd.EIO, "x").data(DONE, 4096, 8192));
        wrong("an error outside", READ, s -> s.errorAt(DONE, 4096 + 8192));
        assertEquals(List.of(), passed);
    }

    @Test
    void wrongStatesAreSeen() {
        int id = Nbd.ALLOCATION_ID;
        wrong("no extent", STATUS, s -> s.status(DONE, id));
        wrong("no status", STATUS, s -> s.chunk(DONE, Nbd.CHUNK_NONE, 0));
        wrong("a context that was not selected", STATUS, s -> s.status(DONE, id + 1, 8192, 0));
        wrong("an extent of nothing", STATUS, s -> s.status(DONE, id, 0, 0));
        wrong("an extent behind the request", STATUS, s -> s.status(DONE, id, 8192, 0, 512, HOLE));
        wrong("extents that are one", STATUS, s -> s.status(DONE, id, 4096, 0, 4096, 0));
        wrong("unknown flags", STATUS, s -> s.status(DONE, id, 8192, 4));
        wrong("an end anywhere", STATUS, s -> s.status(DONE, id, 100, 0, 8092, HOLE));
        wrong("a context twice", STATUS, s -> s.status(0, id, 8192, 0).status(DONE, id, 8192, 0));
        wrong("more than one", STATUS_OF_ONE, s -> s.status(DONE, id, 4096, 0, 4096, HOLE));
        wrong("too long a one", STATUS_OF_ONE, s -> s.status(DONE, id, 16_384, 0));
        wrong("32 bits", Framing.EXTENDED, STATUS, s -> s.status(DONE, id, 8192, 0));
        wrong("for READ", READ, s -> s.status(DONE, id, 8192, 0));
        assertEquals(List.of(), passed);
    }
}
