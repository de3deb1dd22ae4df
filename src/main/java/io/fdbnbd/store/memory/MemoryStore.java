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
import java.util.HashMap;
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
    /** What is committed should still be in the processor's cache. */
    private static final int BATCH_BYTES_TARGET = 256 << 10;

    private static final StoreLimits LIMITS = PortableLimits.ofSerialStore(BATCH_BYTES_TARGET);

    private final Gate gate = new Gate("the memory store");
    private final ExecutorService executor = Executors.newThreadPerTaskExecutor(Threads.virtual("memory-io"));
    private final ReentrantReadWriteLock lock = new ReentrantReadWriteLock();

    // Both guarded by lock. The order of all rows, and a short way to each of them: most calls are for one key that is
    // there already, and following a tree to it would cost more than all else that they do.
    private final NavigableMap<byte[], Row> ordered = new TreeMap<>(Arrays::compareUnsigned);
    private final Map<Key, Row> byKey = new HashMap<>();

    private record Key(byte[] bytes) {
        @Override
        public boolean equals(@Nullable Object other) {
            return other instanceof Key key && Arrays.equals(bytes, key.bytes);
        }

        @Override
        public int hashCode() {
            // FNV-1a: keys that differ in a few bits of a number are the rule, and would collide under a smaller
            // factor.
            int hash = 0x811c9dc5;
            for (byte part : bytes) {
                hash = (hash ^ part) * 0x01000193;
            }
            return hash;
        }
    }

    /** A pair. A new value of the same length is copied over the old one: blocks that are overwritten leave no garbage. */
    private static final class Row {
        final byte[] key;
        byte[] value;

        Row(byte[] key, byte[] value) {
            this.key = key;
            this.value = value.clone();
        }

        void set(byte[] newValue) {
            if (newValue.length == value.length) {
                System.arraycopy(newValue, 0, value, 0, newValue.length);
            } else {
                value = newValue.clone();
            }
        }
    }

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
            byte[] value = find(range.begin());
            if (value != null) {
                visitor.row(range.begin(), value);
            }
            return;
        }
        int left = range.rowsMax();
        for (Row row : ordered.subMap(range.begin(), range.end()).values()) {
            visitor.row(row.key, row.value);
            if (--left == 0) {
                return;
            }
        }
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
            Row row = byKey.get(new Key(key));
            if (row != null) {
                row.set(value);
            } else {
                Row added = new Row(key, value);
                byKey.put(new Key(key), added);
                ordered.put(key, added);
            }
        }

        @Override
        public void clear(byte[] key) {
            if (byKey.remove(new Key(key)) != null) {
                ordered.remove(key);
            }
        }

        @Override
        public void clearRange(byte[] begin, byte[] end) {
            NavigableMap<byte[], Row> cleared = ordered.subMap(begin, true, end, false);
            cleared.keySet().forEach(key -> byKey.remove(new Key(key)));
            cleared.clear();
        }

        @Override
        public void setBits(byte[] key, byte[] bits) {
            set(key, Bits.set(find(key), bits));
        }

        @Override
        public void clearBits(byte[] key, byte[] bits) {
            byte[] left = Bits.clear(find(key), bits);
            if (left == null) {
                clear(key);
            } else {
                set(key, left);
            }
        }
    }

    private byte @Nullable [] find(byte[] key) {
        Row row = byKey.get(new Key(key));
        return row == null ? null : row.value;
    }

    private void check(Guard guard) throws StoreException {
        if (!Arrays.equals(find(guard.key()), guard.value())) {
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
