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
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
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
    private static final StoreLimits LIMITS = PortableLimits.ofSerialStore();

    private final Gate gate = new Gate("the memory store");
    private final ExecutorService executor = Executors.newThreadPerTaskExecutor(Threads.virtual("memory-io"));
    private final ReentrantReadWriteLock lock = new ReentrantReadWriteLock();

    /** Guarded by {@link #lock}. */
    private final NavigableMap<byte[], byte[]> rows = new TreeMap<>(Arrays::compareUnsigned);

    @Override
    public StoreLimits limits() {
        return LIMITS;
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
            // Visited only after the lock is released: a visitor may be slow, or call this store.
            for (Map.Entry<byte[], byte[]> row : collect(guard, ranges)) {
                visitor.row(row.getKey(), row.getValue());
            }
        } finally {
            gate.leave();
        }
    }

    private List<Map.Entry<byte[], byte[]>> collect(@Nullable Guard guard, List<KeyRange> ranges)
            throws StoreException {
        List<Map.Entry<byte[], byte[]>> found = new ArrayList<>();
        lock.readLock().lock();
        try {
            if (guard != null) {
                check(guard);
            }
            for (KeyRange range : ranges) {
                if (range.isSingleKey()) {
                    byte[] value = rows.get(range.begin());
                    if (value != null) {
                        found.add(Map.entry(range.begin(), value));
                    }
                    continue;
                }
                int left = range.rowsMax();
                for (Map.Entry<byte[], byte[]> row :
                        rows.subMap(range.begin(), range.end()).entrySet()) {
                    found.add(Map.entry(row.getKey(), row.getValue()));
                    if (--left == 0) {
                        break;
                    }
                }
            }
        } finally {
            lock.readLock().unlock();
        }
        return found;
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
            rows.put(key, value);
        }

        @Override
        public void clear(byte[] key) {
            rows.remove(key);
        }

        @Override
        public void clearRange(byte[] begin, byte[] end) {
            rows.subMap(begin, end).clear();
        }

        @Override
        public void setBits(byte[] key, byte[] bits) {
            rows.put(key, Bits.set(rows.get(key), bits));
        }

        @Override
        public void clearBits(byte[] key, byte[] bits) {
            byte[] left = Bits.clear(rows.get(key), bits);
            if (left == null) {
                rows.remove(key);
            } else {
                rows.put(key, left);
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
