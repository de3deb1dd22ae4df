package io.fdbnbd.store;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import java.util.concurrent.FutureTask;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** The part of the contract on changes of single bits. */
public abstract class BitsContract extends LimitsContract {
    private static final byte[] KEY = Bytes.of("bits");
    private static final int BITS_BYTES = 16;

    private static byte[] bits(int... set) {
        BitSet bits = new BitSet();
        for (int bit : set) {
            bits.set(bit);
        }
        return padded(bits);
    }

    private static byte[] padded(BitSet bits) {
        byte[] padded = new byte[BITS_BYTES];
        byte[] bytes = bits.toByteArray();
        System.arraycopy(bytes, 0, padded, 0, bytes.length);
        return padded;
    }

    private byte @Nullable [] bits() throws StoreException {
        return store.get(KEY);
    }

    @Test
    void bitsAreSetAndTheOthersKept() throws Exception {
        store.commit(new Batch().setBits(KEY, bits(3)));
        assertArrayEquals(bits(3), bits());
        store.commit(new Batch().setBits(KEY, bits(0, 127)));
        assertArrayEquals(bits(0, 3, 127), bits());
        store.commit(new Batch().setBits(KEY, bits(0)));
        assertArrayEquals(bits(0, 3, 127), bits());
    }

    @Test
    void bitsAreClearedAndWithTheLastOneTheValue() throws Exception {
        store.commit(new Batch().clearBits(KEY, bits(3)));
        assertNull(bits());
        store.commit(new Batch().setBits(KEY, bits(0, 3, 127)));
        store.commit(new Batch().clearBits(KEY, bits(3, 4)));
        assertArrayEquals(bits(0, 127), bits());
        store.commit(new Batch().clearBits(KEY, bits(0, 127)));
        assertNull(bits());
        assertEquals(List.of(), read(null, range("", "\u00ff", 9)));
    }

    @Test
    void changesOfOneBatchAreMadeInTheirOrder() throws Exception {
        store.commit(new Batch().setBits(KEY, bits(1, 2)));
        store.commit(new Batch().clearBits(KEY, bits(1, 2)).setBits(KEY, bits(2)));
        assertArrayEquals(bits(2), bits());
        store.commit(new Batch().setBits(KEY, bits(5)).clearBits(KEY, bits(2, 5)));
        assertNull(bits());
    }

    @Test
    void bitsAreChangedAfterTheRangeThatHoldsThemIsCleared() throws Exception {
        store.commit(new Batch().setBits(KEY, bits(1)));
        store.commit(new Batch()
                .clearRange(Bytes.of("a"), Bytes.of("c"))
                .setBits(KEY, bits(2))
                .clearBits(Bytes.of("bits2"), bits(2)));
        assertArrayEquals(bits(2), bits());
        store.commit(new Batch().clearRange(Bytes.of("a"), Bytes.of("c")).clearBits(KEY, bits(1)));
        assertNull(bits());
    }

    @Test
    void batchesThatChangeDifferentBitsAtOnceLoseNone() throws Exception {
        List<FutureTask<BitSet>> tasks = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            int mine = i;
            FutureTask<BitSet> task = new FutureTask<>(() -> changeAtRandom(mine));
            tasks.add(task);
            Thread.ofPlatform().name("bits-" + i).start(task);
        }
        BitSet expected = new BitSet();
        for (FutureTask<BitSet> task : tasks) {
            expected.or(task.get());
        }
        byte[] left = bits();
        assertEquals(expected, left == null ? new BitSet() : BitSet.valueOf(left));
    }

    /** Changes the bits that are {@code mine} modulo 4. */
    private BitSet changeAtRandom(int mine) throws StoreException {
        Random random = new Random(mine);
        BitSet model = new BitSet();
        for (int step = 0; step < 100; step++) {
            BitSet changed = new BitSet();
            for (int i = 0; i < 1 + random.nextInt(20); i++) {
                changed.set(4 * random.nextInt(32) + mine);
            }
            if (random.nextBoolean()) {
                store.commit(new Batch().setBits(KEY, padded(changed)));
                model.or(changed);
            } else {
                store.commit(new Batch().clearBits(KEY, padded(changed)));
                model.andNot(changed);
            }
        }
        return model;
    }

    @Test
    void aBatchOfBitsMayBeAsLargeAsAnyOther() throws Exception {
        Batch batch = new Batch();
        long each = Batch.countedSetBits(Long.BYTES, 128) + Batch.countedClearBits(Long.BYTES, 128);
        while (batch.countedBytes() + each <= 10_000_000) {
            byte[] key = Bytes.ofLong(batch.operationCount());
            batch.setBits(key, new byte[128]).clearBits(key, new byte[128]);
        }
        store.commit(batch);
    }
}
