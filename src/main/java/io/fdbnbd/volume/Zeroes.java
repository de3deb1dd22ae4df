package io.fdbnbd.volume;

import java.nio.ByteBuffer;

/** Zero bytes, put in pieces. */
final class Zeroes {

    private static final byte[] PIECE = new byte[VolumeSpec.BLOCK_BYTES_MAX];

    private Zeroes() {}

    /** Puts {@code length} zero bytes at an absolute position. */
    static void put(ByteBuffer dst, int position, int length) {
        for (int done = 0; done < length; done += PIECE.length) {
            dst.put(position + done, PIECE, 0, Math.min(PIECE.length, length - done));
        }
    }

    /** {@code length} zero bytes, read-only, to be written; at most {@link VolumeSpec#BLOCK_BYTES_MAX}. */
    static ByteBuffer source(int length) {
        return ByteBuffer.wrap(PIECE, 0, length).asReadOnlyBuffer();
    }
}
