package io.fdbnbd.store.fdb;

import com.apple.foundationdb.MutationType;
import com.apple.foundationdb.Transaction;
import io.fdbnbd.store.Batch;
import io.fdbnbd.store.Guard;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Writes a batch's operations into a transaction, in their order, and notes which guards' keys they rewrite. */
final class FdbMutations implements Batch.Operations {

    private final FdbKeys keys;
    private final Transaction transaction;
    private final List<Guard> guards;
    private final Set<Guard> rewritten = new HashSet<>(2);

    FdbMutations(FdbKeys keys, Transaction transaction, List<Guard> guards) {
        this.keys = keys;
        this.transaction = transaction;
        this.guards = guards;
    }

    @Override
    public void set(byte[] key, byte[] value) {
        noteRewritten(key);
        transaction.set(keys.of(key), value);
    }

    @Override
    public void clear(byte[] key) {
        noteRewritten(key);
        transaction.clear(keys.of(key));
    }

    @Override
    public void clearRange(byte[] begin, byte[] end) {
        for (Guard guard : guards) {
            if (Arrays.compareUnsigned(begin, guard.key()) <= 0 && Arrays.compareUnsigned(guard.key(), end) < 0) {
                rewritten.add(guard);
            }
        }
        transaction.clear(keys.of(begin), keys.of(end));
    }

    @Override
    public void setBits(byte[] key, byte[] bits) {
        noteRewritten(key);
        transaction.mutate(MutationType.BIT_OR, keys.of(key), bits);
    }

    @Override
    public void clearBits(byte[] key, byte[] bits) {
        noteRewritten(key);
        byte[] stored = keys.of(key);
        byte[] none = new byte[bits.length];
        byte[] others = new byte[bits.length];
        for (int i = 0; i < bits.length; i++) {
            others[i] = (byte) ~bits[i];
        }
        // To an absent value BIT_AND is a set: it must not be absent.
        transaction.mutate(MutationType.BIT_OR, stored, none);
        transaction.mutate(MutationType.BIT_AND, stored, others);
        transaction.mutate(MutationType.COMPARE_AND_CLEAR, stored, none);
    }

    /** Whether a guard may not hold any more once this has committed, although it held at the commit. */
    boolean rewrote(Guard guard) {
        return rewritten.contains(guard);
    }

    private void noteRewritten(byte[] key) {
        for (Guard guard : guards) {
            if (Arrays.equals(key, guard.key())) {
                rewritten.add(guard);
            }
        }
    }
}
