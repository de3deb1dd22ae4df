package io.fdbnbd.nbd;

import java.nio.ByteBuffer;

/**
 * A request's header. Nothing is checked here but the magic: {@link RequestRules} decides what is legal.
 *
 * @param offset unsigned
 * @param length never negative: the wire's 32 bits are unsigned
 */
public record Request(int flags, int type, long cookie, long offset, long length) {

    /**
     * Takes {@link Nbd#REQUEST_BYTES} from {@code in}, which must hold them.
     *
     * @throws ProtocolException if this is no request; the stream is out of step then and cannot be used any more
     */
    public static Request take(ByteBuffer in) throws ProtocolException {
        int magic = in.getInt();
        if (magic != Nbd.REQUEST_MAGIC) {
            throw new ProtocolException("a request starts with 0x" + Integer.toHexString(magic)
                    + " where its magic number should be: the client's stream is out of step");
        }
        int flags = Short.toUnsignedInt(in.getShort());
        int type = Short.toUnsignedInt(in.getShort());
        return new Request(flags, type, in.getLong(), in.getLong(), Integer.toUnsignedLong(in.getInt()));
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
        return type == Nbd.CMD_WRITE ? length : 0;
    }
}
