package io.fdbnbd.volume;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import org.junit.jupiter.api.Test;

class BlockArraysTest {
    private static final int BLOCK = 512;

    /** Ends inside of its last block. */
    private final Geometry geometry = new Geometry(10 * BLOCK + 100, BLOCK);

    private final BlockArrays arrays = new BlockArrays();

    @Test
    void anArrayThatWasGivenIsTheNextOne() {
        byte[] first = arrays.copyWhole(geometry, 0, filled(BLOCK, 1))[0];
        arrays.give(List.of(first));
        byte[][] next = arrays.copyWhole(geometry, 3 * BLOCK, filled(2 * BLOCK, 2));
        assertSame(first, next[0]);
        assertNotSame(first, next[1]);
        assertEquals(2, first[BlockCodec.HEADER_BYTES]);
        assertEquals(2, first[first.length - 1]);
    }

    @Test
    void whatIsCoveredInPartIsLeftOut() {
        byte[][] copied = arrays.copyWhole(geometry, 100, filled(3 * BLOCK, 1));
        assertEquals(4, copied.length);
        assertNull(copied[0]);
        assertNotNull(copied[1]);
        assertNotNull(copied[2]);
        assertNull(copied[3]);
        assertNull(arrays.copyWhole(geometry, 10, filled(BLOCK - 20, 1))[0]);
    }

    @Test
    void behindTheEndOfTheVolumeThereAreZeroes() {
        byte[] used = arrays.copyWhole(geometry, 0, filled(BLOCK, 1))[0];
        arrays.give(List.of(used));
        byte[] last = arrays.copyWhole(geometry, 10 * BLOCK, filled(100, 2))[0];
        assertSame(used, last);
        assertEquals(2, last[BlockCodec.HEADER_BYTES + 99]);
        assertEquals(0, last[BlockCodec.HEADER_BYTES + 100]);
        assertEquals(0, last[last.length - 1]);
    }

    @Test
    void blocksOfAnotherSizeHaveOtherArrays() {
        Geometry larger = new Geometry(1 << 20, 2 * BLOCK);
        byte[] small = arrays.copyWhole(geometry, 0, filled(BLOCK, 1))[0];
        arrays.give(List.of(small));
        assertEquals(BlockCodec.HEADER_BYTES + 2 * BLOCK, arrays.copyWhole(larger, 0, filled(2 * BLOCK, 1))[0].length);
    }

    @Test
    void onlySoManyAreKept() {
        byte[] array = new byte[BlockCodec.HEADER_BYTES + BLOCK];
        int tooMany = (8 << 20) / array.length + 10; // 10 do not fit
        arrays.give(Collections.nCopies(tooMany, array));
        Geometry large = new Geometry(64 << 20, BLOCK);
        byte[][] taken = arrays.copyWhole(large, 0, filled(tooMany * BLOCK, 1));
        IdentityHashMap<byte[], Boolean> different = new IdentityHashMap<>();
        for (byte[] one : taken) {
            different.put(one, true);
        }
        assertEquals(11, different.size(), "one that was given often, and as many new ones as were not kept");
    }

    @Test
    void arraysOfAnotherLengthMakeRoom() {
        byte[] large = new byte[BlockCodec.HEADER_BYTES + 2 * BLOCK];
        arrays.give(Collections.nCopies((8 << 20) / large.length, large));
        byte[] small = new byte[BlockCodec.HEADER_BYTES + BLOCK];
        arrays.give(List.of(small));
        assertSame(small, arrays.copyWhole(geometry, 0, filled(BLOCK, 1))[0]);
    }

    private static ByteBuffer filled(int length, int content) {
        byte[] bytes = new byte[length];
        Arrays.fill(bytes, (byte) content);
        return ByteBuffer.wrap(bytes);
    }
}
