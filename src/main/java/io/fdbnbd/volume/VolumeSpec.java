package io.fdbnbd.volume;

import io.fdbnbd.util.Sizes;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/**
 * What a volume is to be: checked by {@link #validate}, so that a specification may be built from anything typed.
 *
 * @param name 1 to {@value #NAME_BYTES_MAX} bytes of UTF-8, without NUL and '/'
 * @param sizeBytes 1 to 2^62
 * @param blockBytes a power of two from {@value #BLOCK_BYTES_MIN} to {@value #BLOCK_BYTES_MAX}
 */
public record VolumeSpec(String name, long sizeBytes, int blockBytes, Compression compression) {

    public static final int NAME_BYTES_MAX = 255;
    public static final long SIZE_BYTES_MAX = 1L << 62;
    public static final int BLOCK_BYTES_MIN = 512;
    public static final int BLOCK_BYTES_MAX = 64 * 1024;
    public static final int BLOCK_BYTES_DEFAULT = 4096;

    public static VolumeSpec of(String name, long sizeBytes) {
        return new VolumeSpec(name, sizeBytes, BLOCK_BYTES_DEFAULT, Compression.LZ4);
    }

    /** Throws INVALID, saying what is wrong and what would be right. */
    void validate() throws VolumeException {
        nameBytes(name);
        if (sizeBytes < 1 || sizeBytes > SIZE_BYTES_MAX) {
            throw invalid("a volume's size is 1 byte to " + Sizes.format(SIZE_BYTES_MAX) + ", not " + sizeBytes);
        }
        if (blockBytes < BLOCK_BYTES_MIN || blockBytes > BLOCK_BYTES_MAX || Integer.bitCount(blockBytes) != 1) {
            throw invalid("a block size is a power of two from 512 to 64K, not " + blockBytes);
        }
    }

    /** The name as it stands in keys. */
    static byte[] nameBytes(String name) throws VolumeException {
        ByteBuffer encoded;
        try {
            encoded = StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(name));
        } catch (CharacterCodingException e) {
            throw new VolumeException(VolumeException.Kind.INVALID, "a volume's name must be valid Unicode", e);
        }
        if (!encoded.hasRemaining() || encoded.remaining() > NAME_BYTES_MAX) {
            throw invalid("a volume's name has 1 to " + NAME_BYTES_MAX + " bytes, not " + encoded.remaining());
        }
        if (name.indexOf('\0') >= 0 || name.indexOf('/') >= 0) {
            throw invalid("a volume's name has no '/' and no NUL in it");
        }
        byte[] bytes = new byte[encoded.remaining()];
        encoded.get(bytes);
        return bytes;
    }

    private static VolumeException invalid(String message) {
        return new VolumeException(VolumeException.Kind.INVALID, message);
    }
}
