package io.fdbnbd.store.memory;

import io.fdbnbd.store.RowVisitor;
import io.fdbnbd.util.SpareArrays;
import java.util.Arrays;
import java.util.Iterator;
import java.util.NavigableMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Pairs in the order of their keys, as a B+ tree of two levels. Most calls are for neighbours, whose arrays are not in the
 * processor's cache: what it costs to find a row is how many other objects have to be visited on the way to it, and in a
 * leaf that is the key alone.
 *
 * <p>Copies the values it is given. For one thread at a time if it changes something, for any number that only read.
 */
final class SortedRows {
    private static final int LEAF_ROWS_MAX = 128;

    /** Of values that were replaced by longer or shorter ones: compressed blocks have many lengths. */
    private static final long SPARE_BYTES_MAX = 8 << 20;

    /** Each leaf under a key that is not after its first row, nor before any of the leaf ahead; the first under none. */
    private final NavigableMap<byte[], Leaf> leaves = new TreeMap<>(Arrays::compareUnsigned);

    private final Leaf first = new Leaf();

    private final SpareArrays spare = new SpareArrays(SPARE_BYTES_MAX);

    // Where the last row was set: the next is often its neighbour. A leaf that was dropped is empty.
    private Leaf setLeaf = first;
    private int setAt = -1;

    SortedRows() {
        leaves.put(new byte[0], first);
    }

    private static final class Leaf {
        final byte[][] keys = new byte[LEAF_ROWS_MAX][];
        final byte[][] values = new byte[LEAF_ROWS_MAX][];
        int size;

        /** Where the key is; or, if it is not here, -1 less where it would be. */
        int find(byte[] key) {
            return Arrays.binarySearch(keys, 0, size, key, Arrays::compareUnsigned);
        }

        /** How many rows here have smaller keys. */
        int countBefore(byte[] key) {
            if (size == 0 || Arrays.compareUnsigned(keys[size - 1], key) < 0) {
                return size;
            }
            int at = find(key);
            return at >= 0 ? at : -at - 1;
        }

        void insert(int at, byte[] key, byte[] value) {
            System.arraycopy(keys, at, keys, at + 1, size - at);
            System.arraycopy(values, at, values, at + 1, size - at);
            keys[at] = key;
            values[at] = value;
            size++;
        }

        void remove(int from, int to) {
            System.arraycopy(keys, to, keys, from, size - to);
            System.arraycopy(values, to, values, from, size - to);
            int left = size - (to - from);
            Arrays.fill(keys, left, size, null);
            Arrays.fill(values, left, size, null);
            size = left;
        }

        /** A new leaf, with the rows from there on. */
        Leaf splitAt(int from) {
            Leaf upper = new Leaf();
            upper.size = size - from;
            System.arraycopy(keys, from, upper.keys, 0, upper.size);
            System.arraycopy(values, from, upper.values, 0, upper.size);
            remove(from, size);
            return upper;
        }
    }

    /** The value itself, not a copy. */
    byte @Nullable [] get(byte[] key) {
        Leaf leaf = leafOf(key);
        int at = leaf.find(key);
        return at < 0 ? null : leaf.values[at];
    }

    /** Shows the first {@code max} rows from {@code begin} (included) to {@code end} (excluded). */
    void visit(byte[] begin, byte[] end, int max, RowVisitor visitor) {
        int left = max;
        for (Leaf leaf : leavesOf(begin, end).values()) {
            int from = leaf.countBefore(begin);
            int to = leaf.countBefore(end);
            for (int at = from; at < to; at++) {
                visitor.row(leaf.keys[at], leaf.values[at]);
                if (--left == 0) {
                    return;
                }
            }
        }
    }

    /** Copies a new value over the old one, or over another of its length: what is overwritten leaves no garbage. */
    void set(byte[] key, byte[] value) {
        Leaf leaf = setLeaf;
        int at = setAt + 1;
        if (at >= leaf.size || !Arrays.equals(leaf.keys[at], key)) {
            leaf = leafOf(key);
            at = leaf.find(key);
        }
        if (at < 0) {
            insert(leaf, -at - 1, key, copy(value));
            return;
        }
        setLeaf = leaf;
        setAt = at;
        byte[] old = leaf.values[at];
        if (old.length == value.length) {
            System.arraycopy(value, 0, old, 0, value.length);
        } else {
            leaf.values[at] = copy(value);
            spare.give(old);
        }
    }

    private byte[] copy(byte[] value) {
        byte[] copy = spare.take(value.length);
        if (copy == null) {
            return value.clone();
        }
        System.arraycopy(value, 0, copy, 0, value.length);
        return copy;
    }

    private void insert(Leaf leaf, int at, byte[] key, byte[] value) {
        if (leaf.size < LEAF_ROWS_MAX) {
            leaf.insert(at, key, value);
            return;
        }
        // Rows that come in order leave full leaves behind.
        Leaf upper = leaf.splitAt(at == leaf.size ? at : leaf.size / 2);
        if (at >= leaf.size) {
            upper.insert(at - leaf.size, key, value);
        } else {
            leaf.insert(at, key, value);
        }
        leaves.put(upper.keys[0], upper);
    }

    void remove(byte[] key) {
        removeRange(key, Arrays.copyOf(key, key.length + 1));
    }

    /** Removes the rows from {@code begin} (included) to {@code end} (excluded). */
    void removeRange(byte[] begin, byte[] end) {
        Iterator<Leaf> touched = leavesOf(begin, end).values().iterator();
        while (touched.hasNext()) {
            Leaf leaf = touched.next();
            int from = leaf.countBefore(begin);
            int to = leaf.countBefore(end);
            if (from < to) {
                leaf.remove(from, to);
            }
            if (leaf.size == 0 && leaf != first) {
                touched.remove();
            }
        }
    }

    /** The leaf that has the key, if any has. */
    private Leaf leafOf(byte[] key) {
        return leaves.floorEntry(key).getValue();
    }

    /** The leaves that may have keys from {@code begin} to {@code end}. */
    private NavigableMap<byte[], Leaf> leavesOf(byte[] begin, byte[] end) {
        return leaves.subMap(leaves.floorKey(begin), true, end, false);
    }
}
