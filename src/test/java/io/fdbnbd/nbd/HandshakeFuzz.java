package io.fdbnbd.nbd;

import static io.fdbnbd.util.Checks.check;

import io.fdbnbd.nbd.Handshake.Step;
import io.fdbnbd.util.Allocation;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;

/**
 * A fuzz target: any bytes as what a client says before it has chosen an export. The first byte of an input is the mode,
 * what TLS is in its two low bits and the size of the pieces in the rest; the others are the client's.
 *
 * <p>Nothing may be thrown, every reply is well-formed, nothing is allocated for a length that was merely claimed, and
 * pieces make no difference.
 */
public final class HandshakeFuzz {
    private static final int ALLOCATED_BYTES_MAX = 2 << 20;

    /** Names, decoded, and replies; an instrumented class allocates no more than others. */
    private static final int ALLOCATED_BYTES_PER_BYTE_MAX = 200;

    private static final List<Handshake.Tls> TLS =
            List.of(Handshake.Tls.OFF, Handshake.Tls.OPTIONAL, Handshake.Tls.REQUIRED, Handshake.Tls.ON);

    private record Outcome(Step step, String closeReason, byte[] sent) {}

    private HandshakeFuzz() {}

    /** Jazzer looks for this name. */
    public static void fuzzerTestOneInput(byte[] input) throws Exception {
        if (input.length == 0) {
            return;
        }
        Handshake.Tls tls = TLS.get(input[0] & 3);
        byte[] said = Arrays.copyOfRange(input, 1, input.length);
        int pieceBytes = Math.max(1, Byte.toUnsignedInt(input[0]) >> 2);
        long bytesMax = ALLOCATED_BYTES_MAX + (long) ALLOCATED_BYTES_PER_BYTE_MAX * said.length;
        Outcome whole = Allocation.limited(bytesMax, () -> talk(tls, said, Handshake.INPUT_BYTES_MIN));
        Outcome pieces = Allocation.limited(bytesMax, () -> talk(tls, said, pieceBytes));
        checkReplies(ByteBuffer.wrap(whole.sent()));
        checkReplies(ByteBuffer.wrap(pieces.sent()));
        // Where TLS can begin, who sends on without waiting for it is refused: there pieces do make a difference.
        if (tls == Handshake.Tls.OFF || tls == Handshake.Tls.ON) {
            check(whole.step() == pieces.step(), "pieces end in another step");
            check(whole.closeReason().equals(pieces.closeReason()), "pieces end for another reason");
            check(Arrays.equals(whole.sent(), pieces.sent()), "pieces get other replies");
        }
    }

    /** As a connection does it. */
    private static Outcome talk(Handshake.Tls tls, byte[] said, int pieceBytes) {
        Handshake handshake = new Handshake(new HandshakeTalk.NamedExports(), tls);
        ByteBuffer in = ByteBuffer.allocate(Handshake.INPUT_BYTES_MIN).flip();
        ByteBuffer out = ByteBuffer.allocate(Handshake.OUTPUT_BYTES_MIN);
        ByteArrayOutputStream sent = new ByteArrayOutputStream();
        int at = 0;
        while (true) {
            Step step = handshake.advance(in, out);
            sent.write(out.array(), 0, out.position());
            out.clear();
            switch (step) {
                case MORE_ROOM -> {}
                case START_TLS -> {
                    check(!in.hasRemaining(), "bytes that came in the clear are left");
                    handshake.secured();
                }
                case MORE_INPUT -> {
                    in.compact();
                    check(in.hasRemaining(), "it wants more than it has room for");
                    if (at == said.length) {
                        return new Outcome(step, "", sent.toByteArray());
                    }
                    int taken = Math.min(Math.min(pieceBytes, in.remaining()), said.length - at);
                    in.put(said, at, taken).flip();
                    at += taken;
                }
                case TRANSMISSION -> {
                    check(handshake.export().sizeBytes() == HandshakeTalk.SIZE_BYTES, "another export");
                    check(handshake.framing() != null, "no framing");
                    return new Outcome(step, "", sent.toByteArray());
                }
                case CLOSE -> {
                    check(!handshake.closeReason().isEmpty(), "closed without a reason");
                    return new Outcome(step, handshake.closeReason(), sent.toByteArray());
                }
            }
        }
    }

    /** Replies to options one after the other; only EXPORT_NAME's, the last one, has no header. */
    private static void checkReplies(ByteBuffer replies) {
        while (replies.hasRemaining()) {
            if (replies.remaining() < Nbd.OPTION_REPLY_HEADER_BYTES
                    || replies.getLong(replies.position()) != Nbd.OPTION_REPLY_MAGIC) {
                int bytes = Long.BYTES + Short.BYTES;
                check(
                        replies.remaining() == bytes || replies.remaining() == bytes + Nbd.EXPORT_NAME_PADDING_BYTES,
                        "neither a reply nor an export");
                return;
            }
            int dataBytes = replies.getInt(replies.position() + Nbd.OPTION_REPLY_HEADER_BYTES - Integer.BYTES);
            replies.position(replies.position() + Nbd.OPTION_REPLY_HEADER_BYTES);
            check(dataBytes >= 0 && dataBytes <= replies.remaining(), "a reply is shorter than it says");
            replies.position(replies.position() + dataBytes);
        }
    }
}
