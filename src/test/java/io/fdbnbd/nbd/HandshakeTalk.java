package io.fdbnbd.nbd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fdbnbd.nbd.Handshake.Step;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** The client's end of a handshake without a connection: bytes go in by hand, and what comes out is collected. */
final class HandshakeTalk {
    static final long SIZE_BYTES = 0x1234_5678_9abcL;
    static final int FLAGS = 0x857f;
    static final int PREFERRED_BYTES = 8192;

    record Reply(int option, int type, byte[] data) {
        Reply(int option, int type) {
            this(option, type, new byte[0]);
        }

        @Override
        public boolean equals(Object other) {
            return other instanceof Reply that
                    && option == that.option
                    && type == that.type
                    && Arrays.equals(data, that.data);
        }

        @Override
        public int hashCode() {
            return 31 * (31 * option + type) + Arrays.hashCode(data);
        }

        @Override
        public String toString() {
            return "reply to " + option + ": " + Integer.toHexString(type) + " "
                    + new String(data, StandardCharsets.UTF_8);
        }
    }

    /** Named exports that all look alike; the only one is the default. */
    static final class NamedExports implements Exports {
        private final List<String> names = new ArrayList<>(List.of("disk"));
        int attached;

        void add(String name) {
            names.add(name);
        }

        @Override
        public Export find(String name) throws ExportRefusedException {
            if (names.contains(name)) {
                return new Export(name, SIZE_BYTES, FLAGS, PREFERRED_BYTES);
            }
            if (name.isEmpty() && names.size() == 1) {
                return find(names.getFirst());
            }
            throw new ExportRefusedException(Nbd.REP_ERR_UNKNOWN, "there is no " + name);
        }

        @Override
        public Export attach(String name) throws ExportRefusedException {
            Export export = find(name);
            attached++;
            return export;
        }

        @Override
        public List<String> names() {
            return names;
        }
    }

    final NamedExports exports = new NamedExports();
    private final Handshake handshake;
    private final ByteBuffer in = ByteBuffer.allocate(Handshake.INPUT_BYTES_MIN).flip();
    private final ByteBuffer out = ByteBuffer.allocate(Handshake.OUTPUT_BYTES_MIN);
    private final ByteArrayOutputStream sent = new ByteArrayOutputStream();
    private ByteBuffer unread = ByteBuffer.allocate(0);
    private Step step = Step.MORE_INPUT;

    HandshakeTalk() {
        this(Handshake.Tls.OFF);
    }

    HandshakeTalk(Handshake.Tls tls) {
        handshake = new Handshake(exports, tls);
    }

    /** What the server does when the step is START_TLS. */
    void secured() {
        assertEquals(0, in.remaining(), "bytes that came in the clear");
        handshake.secured();
    }

    ByteBuffer greeting() {
        ByteBuffer greeting = ByteBuffer.allocate(Handshake.OUTPUT_BYTES_MIN);
        handshake.greet(greeting);
        return greeting.flip();
    }

    void negotiate() {
        assertEquals(Step.MORE_INPUT, flags(Nbd.FLAG_FIXED_NEWSTYLE | Nbd.FLAG_NO_ZEROES));
    }

    Step flags(int flags) {
        receive(ByteBuffer.allocate(4).putInt(flags).array());
        return step;
    }

    void option(int option, byte[] data) {
        ByteBuffer bytes = ByteBuffer.allocate(Nbd.OPTION_HEADER_BYTES + data.length);
        putOption(bytes, option, data);
        receive(bytes.array());
    }

    void header(int option, int length) {
        receive(ByteBuffer.allocate(Nbd.OPTION_HEADER_BYTES)
                .putLong(Nbd.OPTION_MAGIC)
                .putInt(option)
                .putInt(length)
                .array());
    }

    static void putOption(ByteBuffer bytes, int option, byte[] data) {
        bytes.putLong(Nbd.OPTION_MAGIC).putInt(option).putInt(data.length).put(data);
    }

    /** As the server does: what fits goes in, what comes out is sent, until nothing moves. */
    void receive(byte[] bytes) {
        int at = 0;
        do {
            in.compact();
            assertTrue(in.hasRemaining(), "it wants more than it has room for");
            int taken = Math.min(in.remaining(), bytes.length - at);
            in.put(bytes, at, taken).flip();
            at += taken;
            do {
                step = handshake.advance(in, out);
                sent.write(out.array(), 0, out.position());
                out.clear();
            } while (step == Step.MORE_ROOM);
        } while (at < bytes.length && step == Step.MORE_INPUT);
    }

    Step step() {
        return step;
    }

    Export export() {
        return handshake.export();
    }

    Framing framing() {
        return handshake.framing();
    }

    String refusal() {
        return handshake.refusal();
    }

    int leftInputBytes() {
        return in.remaining();
    }

    int outputBytes() {
        return unread().remaining();
    }

    ByteBuffer output() {
        ByteBuffer all = unread();
        unread = ByteBuffer.allocate(0);
        return all;
    }

    Reply reply() {
        ByteBuffer replies = unread();
        assertTrue(replies.remaining() >= Nbd.OPTION_REPLY_HEADER_BYTES, "there is no reply");
        assertEquals(Nbd.OPTION_REPLY_MAGIC, replies.getLong());
        int option = replies.getInt();
        int type = replies.getInt();
        byte[] data = new byte[replies.getInt()];
        replies.get(data);
        return new Reply(option, type, data);
    }

    List<Reply> replies() {
        List<Reply> replies = new ArrayList<>();
        while (outputBytes() > 0) {
            replies.add(reply());
        }
        return replies;
    }

    static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    static byte[] info(String name, int... requests) {
        return info(utf8(name), requests);
    }

    /** The data of INFO and GO. */
    static byte[] info(byte[] name, int... requests) {
        ByteBuffer data = ByteBuffer.allocate(4 + name.length + 2 + 2 * requests.length)
                .putInt(name.length)
                .put(name)
                .putShort((short) requests.length);
        for (int request : requests) {
            data.putShort((short) request);
        }
        return data.array();
    }

    private ByteBuffer unread() {
        if (sent.size() > 0) {
            ByteBuffer joined = ByteBuffer.allocate(unread.remaining() + sent.size());
            joined.put(unread).put(sent.toByteArray()).flip();
            sent.reset();
            unread = joined;
        }
        return unread;
    }
}
