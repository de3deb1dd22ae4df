package io.fdbnbd.store;

import static io.fdbnbd.util.Checks.checkArgument;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * An atomic change: sets, clears and range clears in order, then changes of single bits, under guards. Built by one
 * thread, then handed over.
 *
 * <p>Bits are changed without their value being known here, so that batches which change different bits of one value can
 * be committed at the same time, in any order, and repeated.
 *
 * <p>Counts its own size exactly as FoundationDB 7.3's client does at commit (checked there before anything is sent,
 * in {@code Transaction::getSize}): expected size of every mutation and conflict range, with {@code sizeof} 44 for a
 * mutation and 24 for a range; every write carries a write conflict range, which for a key ends at the key with a zero
 * byte appended.
 */
public final class Batch {

    private static final int MUTATION_BYTES = 44;
    private static final int RANGE_BYTES = 24;

    /** Receives a batch's operations in order. */
    public interface Operations {

        void set(byte[] key, byte[] value) throws StoreException;

        void clear(byte[] key) throws StoreException;

        void clearRange(byte[] begin, byte[] end) throws StoreException;

        void setBits(byte[] key, byte[] bits) throws StoreException;

        void clearBits(byte[] key, byte[] bits) throws StoreException;
    }

    private enum Kind {
        SET,
        CLEAR,
        CLEAR_RANGE,
        SET_BITS,
        CLEAR_BITS
    }

    private static final byte[] NOTHING = {};

    /** @param operand the value, the end of the range, or the bits */
    private record Operation(Kind kind, byte[] key, byte[] operand) {}

    private final List<Operation> operations;
    private final List<Guard> guards = new ArrayList<>(1);
    private long countedBytes;

    public Batch() {
        operations = new ArrayList<>();
    }

    private Batch(List<Operation> operations, long countedBytes) {
        this.operations = operations;
        this.countedBytes = countedBytes;
    }

    /** Counted bytes that {@link #set} adds for a key and a value of these lengths. */
    public static long countedSet(int keyBytes, int valueBytes) {
        return MUTATION_BYTES + RANGE_BYTES + 1 + 3L * keyBytes + valueBytes;
    }

    /** Counted bytes that {@link #clear} adds for a key of this length. */
    public static long countedClear(int keyBytes) {
        return MUTATION_BYTES + RANGE_BYTES + 2 + 4L * keyBytes;
    }

    /** Counted bytes that {@link #clearRange} adds for bounds of these lengths. */
    public static long countedClearRange(int beginBytes, int endBytes) {
        return MUTATION_BYTES + RANGE_BYTES + 2L * beginBytes + 2L * endBytes;
    }

    /** Counted bytes that {@link #setBits} adds for a key and bits of these lengths. */
    public static long countedSetBits(int keyBytes, int bitsBytes) {
        return countedSet(keyBytes, bitsBytes);
    }

    /** Counted bytes that {@link #clearBits} adds: to FoundationDB it is three operations. */
    public static long countedClearBits(int keyBytes, int bitsBytes) {
        return 3 * countedSet(keyBytes, bitsBytes);
    }

    /** Counted bytes that {@link #require} adds for a key of this length. */
    public static long countedGuard(int keyBytes) {
        return RANGE_BYTES + 1 + 2L * keyBytes;
    }

    /**
     * The same operations under {@code guard} alone, as another batch: for a batch that is tried again after its guard's
     * key was rewritten. Shares the operations, so neither may be added to from here on.
     */
    public Batch under(Guard guard) {
        long guarded = 0;
        for (Guard replaced : guards) {
            guarded += countedGuard(replaced.key().length);
        }
        return new Batch(operations, countedBytes - guarded).require(guard);
    }

    public Batch require(Guard guard) {
        guards.add(guard);
        countedBytes += countedGuard(guard.key().length);
        return this;
    }

    public Batch set(byte[] key, byte[] value) {
        return add(Kind.SET, key, value, countedSet(key.length, value.length));
    }

    public Batch clear(byte[] key) {
        return add(Kind.CLEAR, key, NOTHING, countedClear(key.length));
    }

    /** Clears the keys from {@code begin} (included) to {@code end} (excluded). */
    public Batch clearRange(byte[] begin, byte[] end) {
        checkArgument(Arrays.compareUnsigned(begin, end) <= 0, "a range must not end before it begins");
        return add(Kind.CLEAR_RANGE, begin, end, countedClearRange(begin.length, end.length));
    }

    /**
     * Sets those bits of a value that are set in {@code bits}; an absent one is all zeroes before. All bits of one key
     * must always have one length, and nothing but changes of bits may follow in this batch.
     */
    public Batch setBits(byte[] key, byte[] bits) {
        return add(Kind.SET_BITS, key, bits, countedSetBits(key.length, bits.length));
    }

    /** As {@link #setBits}, but clears them; a value without any bit left is absent afterwards. */
    public Batch clearBits(byte[] key, byte[] bits) {
        return add(Kind.CLEAR_BITS, key, bits, countedClearBits(key.length, bits.length));
    }

    private Batch add(Kind kind, byte[] key, byte[] operand, long counted) {
        boolean bits = kind.compareTo(Kind.SET_BITS) >= 0;
        boolean afterBits = !operations.isEmpty() && operations.getLast().kind().compareTo(Kind.SET_BITS) >= 0;
        checkArgument(bits || !afterBits, "changes of bits come last in a batch");
        operations.add(new Operation(kind, key, operand));
        countedBytes += counted;
        return this;
    }

    public void forEach(Operations visitor) throws StoreException {
        for (Operation operation : operations) {
            byte[] key = operation.key();
            byte[] operand = operation.operand();
            switch (operation.kind()) {
                case SET -> visitor.set(key, operand);
                case CLEAR -> visitor.clear(key);
                case CLEAR_RANGE -> visitor.clearRange(key, operand);
                case SET_BITS -> visitor.setBits(key, operand);
                case CLEAR_BITS -> visitor.clearBits(key, operand);
            }
        }
    }

    public List<Guard> guards() {
        return guards;
    }

    public int operationCount() {
        return operations.size();
    }

    public boolean isEmpty() {
        return operations.isEmpty();
    }

    public long countedBytes() {
        return countedBytes;
    }
}
