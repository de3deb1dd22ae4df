package io.fdbnbd.store.memory;

import io.fdbnbd.store.Batch;
import io.fdbnbd.store.Bits;
import io.fdbnbd.store.Guard;
import io.fdbnbd.store.KeyRange;
import io.fdbnbd.store.PortableLimits;
import io.fdbnbd.store.RowVisitor;
import io.fdbnbd.store.Store;
import io.fdbnbd.store.StoreException;
import io.fdbnbd.store.StoreException.Kind;
import io.fdbnbd.store.StoreLimits;
import io.fdbnbd.util.Gate;
import io.fdbnbd.util.Threads;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.jspecify.annotations.Nullable;

/**
 * A store that is gone with its process, by design: for tests, for scratch disks and for measuring everything but a
 * store. Takes exactly what FoundationDB takes.
 */
public final class MemoryStore implements Store {
    /** What is committed should still be in the processor's cache. */
    private static final int BATCH_BYTES_TARGET = 256 << 10;

    private static final StoreLimits LIMITS = PortableLimits.ofSerialStore(BATCH_BYTES_TARGET);

    private final Gate gate = new Gate("the memory store");
    private final ExecutorService executor = Executors.newThreadPerTaskExecutor(Threads.virtual("memory-io"));
    private final ReentrantReadWriteLock lock = new ReentrantReadWriteLock();

    /** Guarded by {@link #lock}. */
    private final SortedRows rows = new SortedRows();

    @Override
    public StoreLimits limits() {
        return LIMITS;
    }

    @Override
    public boolean isImmediate() {
        return true;
    }

    @Override
    public Executor executor() {
        return executor;
    }

    @Override
    public void read(@Nullable Guard guard, List<KeyRange> ranges, RowVisitor visitor) throws StoreException {
        gate.enter();
        try {
            PortableLimits.check(ranges);
            lock.readLock().lock();
            try {
                if (guard != null) {
                    check(guard);
                }
                for (KeyRange range : ranges) {
                    visit(range, visitor);
                }
            } finally {
                lock.readLock().unlock();
            }
        } finally {
            gate.leave();
        }
    }

    private void visit(KeyRange range, RowVisitor visitor) {
        if (range.isSingleKey()) {
            byte[] value = rows.get(range.begin());
            if (value != null) {
                visitor.row(range.begin(), value);
            }
            return;
        }
        rows.visit(range.begin(), range.end(), range.rowsMax(), visitor);
    }

    /** Always answers: there is no disk to wait for. */
    @Override
    public boolean tryRead(@Nullable Guard guard, List<KeyRange> ranges, RowVisitor visitor) throws StoreException {
        read(guard, ranges, visitor);
        return true;
    }

    @Override
    public void commit(Batch batch) throws StoreException {
        gate.enter();
        try {
            PortableLimits.check(batch);
            lock.writeLock().lock();
            try {
                for (Guard guard : batch.guards()) {
                    check(guard);
                }
                batch.forEach(new Apply());
            } finally {
                lock.writeLock().unlock();
            }
        } finally {
            gate.leave();
        }
    }

    private final class Apply implements Batch.Operations {
        @Override
        public void set(byte[] key, byte[] value) {
            rows.set(key, value);
        }

        @Override
        public void clear(byte[] key) {
            rows.remove(key);
        }

        @Override
        public void clearRange(byte[] begin, byte[] end) {
            rows.removeRange(begin, end);
        }

        @Override
        public void setBits(byte[] key, byte[] bits) {
            rows.set(key, Bits.set(rows.get(key), bits));
        }

        @Override
        public void clearBits(byte[] key, byte[] bits) {
            byte[] left = Bits.clear(rows.get(key), bits);
            if (left == null) {
                rows.remove(key);
            } else {
                rows.set(key, left);
            }
        }
    }

    private void check(Guard guard) throws StoreException {
        if (!Arrays.equals(rows.get(guard.key()), guard.value())) {
            throw new StoreException(Kind.GUARD_LOST, "a guard does not hold any more: its key was rewritten");
        }
    }

    /** Returns at once: nothing here survives the loss of power. */
    @Override
    public void sync() {
        gate.enter();
        gate.leave();
    }

    @Override
    public void close() {
        executor.close();
        gate.close();
    }
}
