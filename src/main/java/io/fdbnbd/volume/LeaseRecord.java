package io.fdbnbd.volume;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * What an owner writes again and again while it lives: session(16) beat(8) and who it is, for people. Nothing in it is a
 * time: whoever wants to take over watches, on its own clock, whether the bytes change.
 */
record LeaseRecord(byte[] session, long beat, String holder) {

    private static final int SESSION_BYTES = 16;
    private static final int HEADER_BYTES = SESSION_BYTES + Long.BYTES;

    byte[] encode() {
        byte[] text = holder.getBytes(StandardCharsets.UTF_8);
        return ByteBuffer.allocate(HEADER_BYTES + text.length)
                .put(session)
                .putLong(beat)
                .put(text)
                .array();
    }

    /** Who a lease says it belongs to. */
    static String holderOf(byte @Nullable [] value) {
        return value == null || value.length < HEADER_BYTES
                ? "an unknown server"
                : new String(value, HEADER_BYTES, value.length - HEADER_BYTES, StandardCharsets.UTF_8);
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof LeaseRecord that && Arrays.equals(encode(), that.encode());
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(encode());
    }
}
