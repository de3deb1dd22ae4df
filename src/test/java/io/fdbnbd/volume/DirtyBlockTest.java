package io.fdbnbd.volume;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class DirtyBlockTest {

    private static final int BYTES = 512;

    private final FlushEpochs epochs = new FlushEpochs();

    private static byte[] block(int fill) {
        byte[] bytes = new byte[BlockCodec.HEADER_BYTES + BYTES];
        Arrays.fill(bytes, BlockCodec.HEADER_BYTES, bytes.length, (byte) fill);
        return bytes;
    }

    private static void put(DirtyBlock block, int from, int to, int fill) {
        Arrays.fill(block.bytes(), BlockCodec.HEADER_BYTES + from, BlockCodec.HEADER_BYTES + to, (byte) fill);
        block.cover(from, to, BYTES);
    }

    @Test
    void aPartialBlockShowsOnlyWhatIsKnown() {
        DirtyBlock block = DirtyBlock.partial(1, block(0), epochs.enter());
        put(block, 10, 20, 1);
        put(block, 30, 40, 2);
        ByteBuffer dst = ByteBuffer.wrap(Rig.filled(100, 9));
        block.overlay(5, 35, dst, 50);
        byte[] expected = Rig.filled(100, 9);
        Arrays.fill(expected, 55, 65, (byte) 1);
        Arrays.fill(expected, 75, 80, (byte) 2);
        assertArrayEquals(expected, dst.array());
    }

    @Test
    void aBlockIsWholeOnceAllOfItIsCovered() {
        DirtyBlock block = DirtyBlock.partial(1, block(0), epochs.enter());
        put(block, 0, 511, 1);
        assertFalse(block.isWhole());
        put(block, 500, BYTES, 2);
        assertTrue(block.isWhole());
    }

    @Test
    void theLastBlockIsWholeAtTheEndOfTheVolume() {
        DirtyBlock block = DirtyBlock.partial(1, block(0), epochs.enter());
        block.cover(0, 99, 100);
        assertFalse(block.isWhole());
        block.cover(99, 100, 100);
        assertTrue(block.isWhole());
    }

    @Test
    void whatIsFilledKeepsWhatWasKnown() {
        DirtyBlock block = DirtyBlock.partial(1, block(0), epochs.enter());
        put(block, 100, 200, 1);
        byte[] base = block(7);
        block.fill(base);
        assertTrue(block.isWhole());
        assertEquals(7, block.bytes()[BlockCodec.HEADER_BYTES + 99]);
        assertEquals(1, block.bytes()[BlockCodec.HEADER_BYTES + 100]);
        assertEquals(1, block.bytes()[BlockCodec.HEADER_BYTES + 199]);
        assertEquals(7, block.bytes()[BlockCodec.HEADER_BYTES + 200]);
        block.fill(block(8));
        assertEquals(7, block.bytes()[BlockCodec.HEADER_BYTES], "whole blocks need nothing");
    }

    @Test
    void aFrozenBlockIsNotWritten() {
        DirtyBlock block = DirtyBlock.whole(1, block(1), epochs.enter());
        block.moveTo(DirtyEntry.State.FLYING);
        assertThrows(IllegalStateException.class, () -> block.replace(block(2)));
        assertThrows(IllegalStateException.class, () -> block.cover(0, 1, BYTES));
        assertThrows(IllegalStateException.class, () -> block.moveTo(DirtyEntry.State.PENDING));
    }

    @Test
    void randomPartsMakeWhatAnArrayWouldHold() {
        long seed = Long.getLong("fdbnbd.seed", 5);
        System.out.println("DirtyBlockTest: fdbnbd.seed=" + seed);
        Random random = new Random(seed);
        for (int round = 0; round < 2000; round++) {
            byte[] below = new byte[BYTES];
            random.nextBytes(below);
            byte[] model = below.clone();
            DirtyBlock block = DirtyBlock.partial(1, block(0), epochs.enter());
            for (int i = 0; i < random.nextInt(12); i++) {
                int from = random.nextInt(BYTES);
                int to = from + 1 + random.nextInt(BYTES - from);
                put(block, from, to, i + 1);
                Arrays.fill(model, from, to, (byte) (i + 1));
            }
            int from = random.nextInt(BYTES);
            int to = from + random.nextInt(BYTES - from + 1);
            ByteBuffer dst = ByteBuffer.wrap(Arrays.copyOfRange(below, from, to));
            block.overlay(from, to, dst, 0);
            assertArrayEquals(Arrays.copyOfRange(model, from, to), dst.array());
            byte[] base = new byte[BlockCodec.HEADER_BYTES + BYTES];
            System.arraycopy(below, 0, base, BlockCodec.HEADER_BYTES, BYTES);
            block.fill(base);
            assertArrayEquals(model, Arrays.copyOfRange(block.bytes(), BlockCodec.HEADER_BYTES, block.bytes().length));
        }
    }
}
