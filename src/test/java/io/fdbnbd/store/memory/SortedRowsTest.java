package io.fdbnbd.store.memory;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.NavigableMap;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class SortedRowsTest {
    private static final int STEPS = 20_000;

    private final SortedRows rows = new SortedRows();
    private final NavigableMap<byte[], byte[]> model = new TreeMap<>(Arrays::compareUnsigned);

    /** Phases that grow and phases that shrink, so that leaves split, empty and fill again at either end. */
    @Test
    void holdsWhatAnOrderedMapHolds() {
        long seed = Long.getLong("fdbnbd.seed", 20_261_127L);
        System.out.println("SortedRowsTest: fdbnbd.seed=" + seed);
        SplittableRandom random = new SplittableRandom(seed);
        for (int step = 0; step < STEPS; step++) {
            change(random, step % 4_000 < 3_000);
            compare(random, "seed " + seed + ", step " + step);
        }
    }

    private void change(SplittableRandom random, boolean growing) {
        byte[] key = key(random);
        int kind = random.nextInt(growing ? 200 : 8);
        if (kind == 0) {
            byte[] other = key(random);
            boolean ordered = Arrays.compareUnsigned(key, other) <= 0;
            byte[] begin = ordered ? key : other;
            byte[] end = ordered ? other : key;
            rows.removeRange(begin, end);
            model.subMap(begin, true, end, false).clear();
        } else if (kind == 1) {
            rows.remove(key);
            model.remove(key);
        } else {
            // Neighbours: where the row after the last one is looked for first.
            int run = random.nextInt(6);
            for (int i = 0; i <= run && i + (key[key.length - 1] & 0xff) < 256; i++) {
                byte[] next = key.clone();
                next[key.length - 1] += (byte) i;
                byte[] value = new byte[1 + random.nextInt(2)];
                value[0] = (byte) random.nextInt();
                rows.set(next, value);
                model.put(next, value);
            }
        }
    }

    /** Of one to three bytes, so that some are the beginnings of others, and some more than 0x7f. */
    private static byte[] key(SplittableRandom random) {
        byte[] key = new byte[1 + random.nextInt(3)];
        for (int i = 0; i < key.length; i++) {
            key[i] = (byte) (random.nextInt(16) * 17);
        }
        return key;
    }

    private void compare(SplittableRandom random, String where) {
        byte[] key = key(random);
        byte[] other = key(random);
        boolean ordered = Arrays.compareUnsigned(key, other) <= 0;
        byte[] begin = ordered ? key : other;
        byte[] end = ordered ? other : key;
        int max = random.nextInt(8) == 0 ? Integer.MAX_VALUE : 1 + random.nextInt(500);
        assertArrayEquals(model.get(key), rows.get(key), where);
        List<byte[]> expected = new ArrayList<>();
        model.subMap(begin, true, end, false).entrySet().stream().limit(max).forEach(row -> {
            expected.add(row.getKey());
            expected.add(row.getValue());
        });
        List<byte[]> seen = new ArrayList<>();
        rows.visit(begin, end, max, (row, value) -> {
            seen.add(row);
            seen.add(value);
        });
        assertArrayEquals(expected.toArray(), seen.toArray(), where);
    }

    @Test
    void keepsACopyOfAValue() {
        byte[] value = {1, 2};
        rows.set(new byte[] {7}, value);
        value[0] = 9;
        assertArrayEquals(new byte[] {1, 2}, rows.get(new byte[] {7}));
        rows.set(new byte[] {7}, value);
        value[0] = 8;
        assertArrayEquals(new byte[] {9, 2}, rows.get(new byte[] {7}));
    }

    @Test
    void aNewValueOfTheSameLengthLeavesNoGarbage() {
        rows.set(new byte[] {7}, new byte[] {1, 2});
        byte[] kept = rows.get(new byte[] {7});
        rows.set(new byte[] {7}, new byte[] {3, 4});
        assertSame(kept, rows.get(new byte[] {7}));
        rows.remove(new byte[] {7});
        assertNull(rows.get(new byte[] {7}));
    }

    @Test
    void aNewValueOfAnotherLengthLeavesItsArrayForTheNextOne() {
        rows.set(new byte[] {7}, new byte[] {1, 2});
        byte[] spare = rows.get(new byte[] {7});
        rows.set(new byte[] {7}, new byte[] {3});
        assertArrayEquals(new byte[] {3}, rows.get(new byte[] {7}));
        rows.set(new byte[] {8}, new byte[] {4, 5});
        assertSame(spare, rows.get(new byte[] {8}));
        assertArrayEquals(new byte[] {4, 5}, spare);
    }
}
