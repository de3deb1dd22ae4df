package io.fdbnbd.store;

import static io.fdbnbd.util.Checks.checkArgument;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * An atomic change: sets, clears and range clears in order, under guards. Built by one thread, then handed over.
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
    }

    private record Operation(byte[] key, byte @Nullable [] value, byte @Nullable [] end) {}

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
        operations.add(new Operation(key, value, null));
        countedBytes += countedSet(key.length, value.length);
        return this;
    }

    public Batch clear(byte[] key) {
        operations.add(new Operation(key, null, null));
        countedBytes += countedClear(key.length);
        return this;
    }

    /** Clears the keys from {@code begin} (included) to {@code end} (excluded). */
    public Batch clearRange(byte[] begin, byte[] end) {
        checkArgument(Arrays.compareUnsigned(begin, end) <= 0, "a range must not end before it begins");
        operations.add(new Operation(begin, null, end));
        countedBytes += countedClearRange(begin.length, end.length);
        return this;
    }

    public void forEach(Operations visitor) throws StoreException {
        for (Operation operation : operations) {
            if (operation.value() != null) {
                visitor.set(operation.key(), operation.value());
            } else if (operation.end() != null) {
                visitor.clearRange(operation.key(), operation.end());
            } else {
                visitor.clear(operation.key());
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
