package io.fdbnbd.volume;

import com.github.luben.zstd.Zstd;
import com.github.luben.zstd.ZstdException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.zip.CRC32C;
import net.jpountz.lz4.LZ4Compressor;
import net.jpountz.lz4.LZ4Exception;
import net.jpountz.lz4.LZ4Factory;
import net.jpountz.lz4.LZ4SafeDecompressor;
import org.jspecify.annotations.Nullable;

/**
 * A block as a stored value and back: tag(1), CRC32C(4) over layer(4), block number(8) and the plain content, then the
 * content, raw or compressed. The checksum names the block, so a value under the wrong key is as damaged as a torn one.
 * An all-zero block has no value.
 *
 * <p>Blocks are held with {@link #HEADER_BYTES} of room in front, so that a raw value needs no copy: the header is
 * written into the room and the array is the value. One thread at a time encodes, any decode.
 */
final class BlockCodec {

    static final int HEADER_BYTES = 1 + Integer.BYTES;

    private static final byte RAW = 1;
    private static final byte COMPRESSED_LZ4 = 2;
    private static final byte COMPRESSED_ZSTD = 3;

    /** A compressed block must be smaller by this part of it, or decompressing it later is not worth it. */
    private static final int WORTHWHILE_PART = 8;

    private static final LZ4Compressor LZ4_COMPRESSOR =
            LZ4Factory.fastestInstance().fastCompressor();
    private static final LZ4SafeDecompressor LZ4_DECOMPRESSOR =
            LZ4Factory.fastestInstance().safeDecompressor();

    private final int layer;
    private final int blockBytes;
    private final Compression compression;
    private final byte[] zeroes;

    /** Of whoever encodes. */
    private final CompressionTrials trials = new CompressionTrials();

    BlockCodec(int layer, int blockBytes, Compression compression) {
        this.layer = layer;
        this.blockBytes = blockBytes;
        this.compression = compression;
        this.zeroes = new byte[blockBytes];
    }

    int blockBytes() {
        return blockBytes;
    }

    /** An all-zero block with room for its header. */
    byte[] newBlock() {
        return new byte[HEADER_BYTES + blockBytes];
    }

    /** Largest value that a block can become. */
    int valueBytesMax() {
        return HEADER_BYTES + blockBytes;
    }

    /**
     * The value of a block, or null for an all-zero one. The result may be {@code block} itself, which from then on must
     * not be changed.
     */
    byte @Nullable [] encode(long number, byte[] block) {
        if (Arrays.equals(block, HEADER_BYTES, block.length, zeroes, 0, blockBytes)) {
            return null;
        }
        int checksum = checksum(number, block, HEADER_BYTES);
        byte[] shrunk = compress(block);
        byte[] value = shrunk == null ? raw(block) : shrunk;
        ByteBuffer.wrap(value).putInt(1, checksum);
        return value;
    }

    private byte @Nullable [] compress(byte[] block) {
        if (!trials.isDue()) {
            return null;
        }
        byte[] shrunk = switch (compression) {
            case NONE -> null;
            case LZ4 -> compressLz4(block);
            case ZSTD -> compressZstd(block);
        };
        trials.tried(shrunk != null);
        return shrunk;
    }

    private static byte[] raw(byte[] block) {
        block[0] = RAW;
        return block;
    }

    private byte @Nullable [] compressLz4(byte[] block) {
        // Room for the worst case: with less, lz4-java answers an incompressible block with a costly exception.
        byte[] out = Scratch.bytes(HEADER_BYTES + LZ4_COMPRESSOR.maxCompressedLength(blockBytes));
        int length = LZ4_COMPRESSOR.compress(block, HEADER_BYTES, blockBytes, out, HEADER_BYTES);
        return length > worthwhileBytes() ? null : compressed(COMPRESSED_LZ4, out, length);
    }

    private byte @Nullable [] compressZstd(byte[] block) {
        // As for LZ4.
        int room = (int) Zstd.compressBound(blockBytes);
        byte[] out = Scratch.bytes(HEADER_BYTES + room);
        int length = ZstdContexts.compress(out, HEADER_BYTES, room, block, HEADER_BYTES, blockBytes);
        return length > worthwhileBytes() ? null : compressed(COMPRESSED_ZSTD, out, length);
    }

    private int worthwhileBytes() {
        return blockBytes - blockBytes / WORTHWHILE_PART;
    }

    private static byte[] compressed(byte tag, byte[] scratch, int length) {
        byte[] value = Arrays.copyOf(scratch, HEADER_BYTES + length);
        value[0] = tag;
        return value;
    }

    /**
     * Puts {@code length} bytes of a block, from {@code from}, to {@code dst} at its absolute {@code position}.
     *
     * @throws DamagedBlockException if the value is not what {@link #encode} made for this block
     */
    void decode(long number, byte[] value, int from, int length, ByteBuffer dst, int position)
            throws DamagedBlockException {
        byte[] plain = value;
        int offset = HEADER_BYTES;
        if (value.length < HEADER_BYTES) {
            throw new DamagedBlockException(number, "it is only " + value.length + " bytes long");
        }
        if (value[0] == RAW) {
            if (value.length != HEADER_BYTES + blockBytes) {
                throw new DamagedBlockException(number, "it is " + value.length + " bytes long");
            }
        } else {
            plain = Scratch.bytes(HEADER_BYTES + blockBytes);
            offset = 0;
            decompress(number, value, plain);
        }
        if (ByteBuffer.wrap(value).getInt(1) != checksum(number, plain, offset)) {
            throw new DamagedBlockException(number, "its checksum does not match");
        }
        dst.put(position, plain, offset + from, length);
    }

    private void decompress(long number, byte[] value, byte[] plain) throws DamagedBlockException {
        int length = value.length - HEADER_BYTES;
        long got;
        try {
            got = switch (value[0]) {
                case COMPRESSED_LZ4 -> LZ4_DECOMPRESSOR.decompress(value, HEADER_BYTES, length, plain, 0, blockBytes);
                case COMPRESSED_ZSTD -> ZstdContexts.decompress(plain, 0, blockBytes, value, HEADER_BYTES, length);
                default -> throw new DamagedBlockException(number, "its tag is " + value[0]);
            };
        } catch (LZ4Exception | ZstdException e) {
            got = -1;
        }
        if (got != blockBytes) {
            throw new DamagedBlockException(number, "it does not decompress");
        }
    }

    private int checksum(long number, byte[] bytes, int offset) {
        ByteBuffer place =
                ByteBuffer.allocate(Integer.BYTES + Long.BYTES).putInt(layer).putLong(number);
        CRC32C crc = new CRC32C();
        crc.update(place.array());
        crc.update(bytes, offset, blockBytes);
        return (int) crc.getValue();
    }

    /** A buffer for each thread that encodes or decodes: never handed out, never held over a call that waits. */
    private static final class Scratch {

        private static final ThreadLocal<byte[]> BYTES =
                ThreadLocal.withInitial(() -> new byte[HEADER_BYTES + VolumeSpec.BLOCK_BYTES_DEFAULT]);

        static byte[] bytes(int length) {
            byte[] bytes = BYTES.get();
            if (bytes.length < length) {
                bytes = new byte[length];
                BYTES.set(bytes);
            }
            return bytes;
        }
    }
}
