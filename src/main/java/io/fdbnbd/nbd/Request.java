package io.fdbnbd.nbd;

import java.nio.ByteBuffer;

/**
 * A request's header. Nothing is checked here but the magic: {@link RequestRules} decides what is legal.
 *
 * @param offset unsigned
 * @param length never negative: the wire's 32 bits are unsigned, and of 64 the largest is taken for all beyond
 * @param extended whether its header is an extended one, in which a flag says if a payload follows
 */
public record Request(int flags, int type, long cookie, long offset, long length, boolean extended) {

    /** One with a header that is not extended. */
    public Request(int flags, int type, long cookie, long offset, long length) {
        this(flags, type, cookie, offset, length, false);
    }

    /**
     * Takes {@link Framing#requestBytes} from {@code in}, which must hold them.
     *
     * @throws ProtocolException if this is no request; the stream is out of step then and cannot be used any more
     */
    public static Request take(ByteBuffer in, Framing framing) throws ProtocolException {
        boolean extended = framing == Framing.EXTENDED;
        int magic = in.getInt();
        if (magic != (extended ? Nbd.EXTENDED_REQUEST_MAGIC : Nbd.REQUEST_MAGIC)) {
            throw new ProtocolException("a request starts with 0x" + Integer.toHexString(magic)
                    + " where its magic number should be: the client's stream is out of step");
        }
        int flags = Short.toUnsignedInt(in.getShort());
        int type = Short.toUnsignedInt(in.getShort());
        long cookie = in.getLong();
        long offset = in.getLong();
        long length = extended ? in.getLong() : Integer.toUnsignedLong(in.getInt());
        return new Request(flags, type, cookie, offset, length < 0 ? Long.MAX_VALUE : length, extended);
    }

    /** Whether {@code header}, of {@link Nbd#REQUEST_BYTES}, is that of a DISC. */
    public static boolean isDisc(byte[] header) {
        ByteBuffer bytes = ByteBuffer.wrap(header);
        return bytes.getInt(0) == Nbd.REQUEST_MAGIC && bytes.getShort(6) == Nbd.CMD_DISC;
    }

    public boolean has(int flag) {
        return (flags & flag) != 0;
    }

    /** How many bytes of data follow the header, whether the request is legal or not. */
    public long payloadBytes() {
        return type == Nbd.CMD_WRITE || (extended && has(Nbd.CMD_FLAG_PAYLOAD_LEN)) ? length : 0;
    }
}
