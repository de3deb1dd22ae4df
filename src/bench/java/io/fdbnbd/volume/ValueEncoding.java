package io.fdbnbd.volume;

import java.util.Arrays;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/**
 * What does it cost to turn a block of 4 KiB into the value that is stored, checksum included, by compression and by what
 * is in it?
 */
@State(Scope.Thread)
public class ValueEncoding {
    private static final int BLOCK_BYTES = 4096;
    private static final long NUMBER = 7;

    public enum Content {
        ZERO,
        HALF_RANDOM,
        RANDOM
    }

    @Param
    private Compression compression;

    @Param
    private Content content;

    private BlockCodec codec;
    private byte[] block;

    @Setup
    public void fill() {
        codec = new BlockCodec(1, BLOCK_BYTES, compression);
        block = codec.newBlock();
        byte[] random = new byte[BLOCK_BYTES];
        new Random(1).nextBytes(random);
        Arrays.fill(random, content == Content.RANDOM ? BLOCK_BYTES : BLOCK_BYTES / 2, BLOCK_BYTES, (byte) 0);
        if (content != Content.ZERO) {
            System.arraycopy(random, 0, block, block.length - BLOCK_BYTES, BLOCK_BYTES);
        }
    }

    /** Null if all is zero: nothing is stored then. */
    @Benchmark
    public byte @Nullable [] encode() {
        return codec.encode(NUMBER, block);
    }
}
