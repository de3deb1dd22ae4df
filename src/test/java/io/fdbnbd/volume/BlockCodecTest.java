package io.fdbnbd.volume;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class BlockCodecTest {

    private static final int LAYER = 7;
    private static final long NUMBER = (1L << 53) - 1;
    private static final int[] BLOCK_BYTES = {512, 4096, 65536};

    private static byte[] encoded(BlockCodec codec, long number, byte[] content) {
        byte[] block = codec.newBlock();
        System.arraycopy(content, 0, block, BlockCodec.HEADER_BYTES, content.length);
        byte[] value = codec.encode(number, block);
        assertNotNull(value);
        return value;
    }

    private static byte[] decoded(BlockCodec codec, long number, byte[] value) throws DamagedBlockException {
        ByteBuffer dst = ByteBuffer.allocate(codec.blockBytes());
        codec.decode(number, value, 0, codec.blockBytes(), dst, 0);
        return dst.array();
    }

    /** From all alike to all random. */
    private static byte[] content(Random random, int length, int alike) {
        byte[] content = new byte[length];
        random.nextBytes(content);
        Arrays.fill(content, 0, alike, (byte) 'a');
        return content;
    }

    @ParameterizedTest
    @EnumSource(Compression.class)
    void whateverIsEncodedDecodes(Compression compression) throws Exception {
        Random random = new Random(1);
        for (int blockBytes : BLOCK_BYTES) {
            BlockCodec codec = new BlockCodec(LAYER, blockBytes, compression);
            for (int i = 0; i <= 16; i++) {
                byte[] content = content(random, blockBytes, blockBytes / 16 * i);
                byte[] value = encoded(codec, NUMBER, content);
                assertTrue(value.length <= codec.valueBytesMax());
                assertArrayEquals(content, decoded(codec, NUMBER, value));
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Compression.class)
    void whatDoesNotShrinkIsKeptAsItIs(Compression compression) {
        BlockCodec codec = new BlockCodec(LAYER, 4096, compression);
        byte[] block = codec.newBlock();
        new Random(2).nextBytes(block);
        assertSame(block, codec.encode(NUMBER, block));
    }

    @ParameterizedTest
    @EnumSource(
            value = Compression.class,
            names = {"LZ4", "ZSTD"})
    void whatShrinksIsFoundSoonAfterMuchThatDoesNot(Compression compression) {
        BlockCodec codec = new BlockCodec(LAYER, 4096, compression);
        Random random = new Random(6);
        for (int i = 0; i < 1000; i++) {
            encoded(codec, NUMBER, content(random, 4096, 0));
        }
        int tooLarge = 0;
        while (encoded(codec, NUMBER, content(random, 4096, 2048)).length > 4096) {
            tooLarge++;
        }
        assertTrue(tooLarge > 0, "all are tried, whatever came of it before");
        assertTrue(tooLarge <= CompressionTrials.PASSED_OVER, tooLarge + " blocks were not compressed");
        for (int i = 0; i < 100; i++) {
            int length = encoded(codec, NUMBER, content(random, 4096, 2048)).length;
            assertTrue(length < 2500, "then a block was stored in " + length + " bytes");
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = Compression.class,
            names = {"LZ4", "ZSTD"})
    void whatShrinksIsCompressed(Compression compression) {
        BlockCodec codec = new BlockCodec(LAYER, 4096, compression);
        assertTrue(encoded(codec, NUMBER, content(new Random(3), 4096, 4096)).length < 100);
        assertTrue(encoded(codec, NUMBER, content(new Random(3), 4096, 2048)).length < 2500);
    }

    @ParameterizedTest
    @EnumSource(Compression.class)
    void zeroesHaveNoValue(Compression compression) {
        for (int blockBytes : BLOCK_BYTES) {
            BlockCodec codec = new BlockCodec(LAYER, blockBytes, compression);
            byte[] block = codec.newBlock();
            // Whatever stands in the room for the header is no content.
            block[0] = 9;
            assertNull(codec.encode(NUMBER, block));
            block[block.length - 1] = 1;
            assertNotNull(codec.encode(NUMBER, block));
        }
    }

    @ParameterizedTest
    @EnumSource(Compression.class)
    void aPartIsDecodedToItsPlace(Compression compression) throws Exception {
        Random random = new Random(4);
        BlockCodec codec = new BlockCodec(LAYER, 4096, compression);
        byte[] content = content(random, 4096, 3000);
        byte[] value = encoded(codec, NUMBER, content);
        for (int i = 0; i < 50; i++) {
            int from = random.nextInt(4096);
            int length = random.nextInt(4096 - from + 1);
            ByteBuffer dst = ByteBuffer.allocate(length + 10);
            codec.decode(NUMBER, value, from, length, dst, 5);
            assertArrayEquals(
                    Arrays.copyOfRange(content, from, from + length), Arrays.copyOfRange(dst.array(), 5, 5 + length));
            assertEquals(0, dst.get(4) | dst.get(5 + length));
        }
    }

    @ParameterizedTest
    @EnumSource(Compression.class)
    void aValueIsGoodForItsBlockOnly(Compression compression) {
        BlockCodec codec = new BlockCodec(LAYER, 4096, compression);
        byte[] value = encoded(codec, 5, content(new Random(5), 4096, 4000));
        assertThrows(DamagedBlockException.class, () -> decoded(codec, 6, value));
        BlockCodec other = new BlockCodec(LAYER + 1, 4096, compression);
        assertThrows(DamagedBlockException.class, () -> decoded(other, 5, value));
        BlockCodec larger = new BlockCodec(LAYER, 8192, compression);
        assertThrows(DamagedBlockException.class, () -> decoded(larger, 5, value));
        BlockCodec smaller = new BlockCodec(LAYER, 512, compression);
        assertThrows(DamagedBlockException.class, () -> decoded(smaller, 5, value));
    }

    /** A value of another compression decodes too: a volume's setting says how to write. */
    @ParameterizedTest
    @EnumSource(Compression.class)
    void everyCodecDecodesAllCompressions(Compression compression) throws Exception {
        byte[] content = content(new Random(6), 4096, 4000);
        byte[] value = encoded(new BlockCodec(LAYER, 4096, compression), 5, content);
        for (Compression reader : Compression.values()) {
            assertArrayEquals(content, decoded(new BlockCodec(LAYER, 4096, reader), 5, value));
        }
    }

    /** Bits flipped, bytes cut off, put in or taken from elsewhere: an exception with the block's number, or no harm. */
    @ParameterizedTest
    @EnumSource(Compression.class)
    void damageIsAlwaysFound(Compression compression) {
        long seed = Long.getLong("fdbnbd.seed", 20261122);
        System.out.println("BlockCodecTest: fdbnbd.seed=" + seed);
        Random random = new Random(seed);
        int found = 0;
        for (int blockBytes : BLOCK_BYTES) {
            BlockCodec codec = new BlockCodec(LAYER, blockBytes, compression);
            for (int i = 0; i < 2_000_000 / blockBytes * 2; i++) {
                byte[] content = content(random, blockBytes, random.nextInt(blockBytes + 1));
                byte[] value = encoded(codec, NUMBER, content).clone();
                byte[] damaged = damage(random, value);
                try {
                    // Compressed in another way it may still be the same: a run can be copied from any part of itself.
                    assertArrayEquals(content, decoded(codec, NUMBER, damaged));
                } catch (DamagedBlockException e) {
                    assertTrue(String.valueOf(e.getMessage()).contains(Long.toString(NUMBER)));
                    found++;
                }
            }
        }
        assertTrue(found > 1000, "only " + found);
    }

    private static byte[] damage(Random random, byte[] value) {
        byte[] damaged = value.clone();
        switch (random.nextInt(6)) {
            case 0 -> damaged[random.nextInt(damaged.length)] ^= (byte) (1 << random.nextInt(8));
            case 1 -> damaged[0] = (byte) random.nextInt(5);
            case 2 -> damaged = Arrays.copyOf(damaged, random.nextInt(damaged.length));
            case 3 -> damaged = Arrays.copyOf(damaged, damaged.length + 1 + random.nextInt(100));
            case 4 -> {
                int from = random.nextInt(damaged.length);
                for (int i = from; i < Math.min(damaged.length, from + 20); i++) {
                    damaged[i] = (byte) random.nextInt();
                }
            }
            default -> {
                int from = random.nextInt(damaged.length);
                int length = random.nextInt(damaged.length - from);
                System.arraycopy(damaged, from, damaged, random.nextInt(damaged.length - length), length);
            }
        }
        return damaged;
    }

    /** Noise behind every tag: no crash, no over-read, no memory for sizes that the noise claims. */
    @ParameterizedTest
    @EnumSource(Compression.class)
    void noiseIsDamage(Compression compression) {
        Random random = new Random(8);
        BlockCodec codec = new BlockCodec(LAYER, 4096, compression);
        byte[] zstdMagic = {(byte) 0x28, (byte) 0xb5, (byte) 0x2f, (byte) 0xfd};
        for (int i = 0; i < 10_000; i++) {
            byte[] noise = new byte[random.nextInt(5000)];
            random.nextBytes(noise);
            if (noise.length > 20) {
                noise[0] = (byte) random.nextInt(4);
                if (random.nextBoolean()) {
                    System.arraycopy(zstdMagic, 0, noise, BlockCodec.HEADER_BYTES, zstdMagic.length);
                }
            }
            assertThrows(DamagedBlockException.class, () -> decoded(codec, NUMBER, noise));
        }
        assertFalse(Thread.currentThread().isInterrupted());
    }
}
