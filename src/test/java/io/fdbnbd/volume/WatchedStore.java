package io.fdbnbd.volume;

import io.fdbnbd.store.Batch;
import io.fdbnbd.store.Batches;
import io.fdbnbd.store.FaultStore;
import io.fdbnbd.store.Guard;
import io.fdbnbd.store.KeyRange;
import io.fdbnbd.store.RowVisitor;
import io.fdbnbd.store.Store;
import io.fdbnbd.store.StoreException;
import io.fdbnbd.store.StoreLimits;
import io.fdbnbd.store.memory.MemoryStore;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** A store in memory that fails as told and counts what a volume's committer asks of it. */
final class WatchedStore implements Store {

    interface Hook {
        void run() throws Exception;
    }

    private final FaultStore faults = new FaultStore(new MemoryStore());
    private final Map<Long, Integer> setCounts = new ConcurrentHashMap<>();
    private final Map<Long, Integer> commitsUntilSet = new ConcurrentHashMap<>();
    private final AtomicInteger operations = new AtomicInteger();
    private final AtomicInteger commits = new AtomicInteger();
    private final AtomicInteger bitChanges = new AtomicInteger();
    private final AtomicInteger reads = new AtomicInteger();
    private final List<Batch> kept = new CopyOnWriteArrayList<>();
    private volatile boolean keeping;
    private volatile int layer = -1;
    private volatile Hook hook = () -> {};
    private volatile boolean shared;
    private volatile boolean proven = true;

    FaultStore faults() {
        return faults;
    }

    /** Counts batches of this layer's data only, and from zero. */
    void watch(int watched) {
        layer = watched;
        setCounts.clear();
    }

    /** Runs on the committing thread. */
    void beforeEachCommit(Hook next) {
        hook = next;
    }

    /** As if other processes used it too. */
    WatchedStore share() {
        shared = true;
        return this;
    }

    /** As if no guard had been seen to hold lately. */
    void letProofsExpire() {
        proven = false;
    }

    @Override
    public boolean isProven(Guard guard) {
        return proven;
    }

    void keepBatches() {
        keeping = true;
    }

    /** Commits again what was committed, or tried, as the nth since {@link #keepBatches}; returns how it failed. */
    StoreException.@Nullable Kind applyLate(int nth) {
        try {
            faults.commit(kept.get(nth));
            return null;
        } catch (StoreException e) {
            return e.kind();
        }
    }

    /** How often a block was set, at every attempt. */
    int setCount(long block) {
        return setCounts.getOrDefault(block, 0);
    }

    /** How many commits of data there were before the first that set a block. */
    int commitsUntilSet(long block) {
        return commitsUntilSet.getOrDefault(block, Integer.MAX_VALUE);
    }

    int operationCount() {
        return operations.get();
    }

    /** How many times bits of a value were changed. */
    int bitChanges() {
        return bitChanges.get();
    }

    int readCount() {
        return reads.get();
    }

    int rowCount() throws StoreException {
        List<byte[]> keys = new ArrayList<>();
        faults.read(
                null,
                List.of(new KeyRange(Keys.data(layer, 0), Keys.data(layer, -1L), Integer.MAX_VALUE)),
                (key, value) -> keys.add(key));
        return keys.size();
    }

    /** Incompressible blocks of {@link Rig#BLOCK} bytes in a full batch that clears a range too. */
    int blocksInOneBatch() {
        long room = limits().batchBytesTarget()
                - Batch.countedClearRange(Keys.DATA_KEY_BYTES, Keys.DATA_KEY_BYTES)
                - 2 * AllocationMap.BLOCK_BYTES_COUNTED;
        return (int) (room / Batch.countedSet(Keys.DATA_KEY_BYTES, BlockCodec.HEADER_BYTES + Rig.BLOCK));
    }

    @Override
    public void commit(Batch batch) throws StoreException {
        int[] dataOperations = new int[1];
        batch.forEach(new Batch.Operations() {
            @Override
            public void set(byte[] key, byte[] value) {
                if (isWatched(key)) {
                    dataOperations[0]++;
                    setCounts.merge(Keys.blockOf(key), 1, Integer::sum);
                    commitsUntilSet.putIfAbsent(Keys.blockOf(key), commits.get());
                }
            }

            @Override
            public void clear(byte[] key) {
                dataOperations[0] += isWatched(key) ? 1 : 0;
            }

            @Override
            public void clearRange(byte[] begin, byte[] end) {
                dataOperations[0] += isWatched(begin) ? 1 : 0;
            }

            @Override
            public void setBits(byte[] key, byte[] bits) {
                bitChanges.incrementAndGet();
            }

            @Override
            public void clearBits(byte[] key, byte[] bits) {
                bitChanges.incrementAndGet();
            }
        });
        if (dataOperations[0] > 0) {
            operations.addAndGet(dataOperations[0]);
            if (keeping) {
                kept.add(Batches.copyOf(batch));
            }
            runHook();
            commits.incrementAndGet();
        }
        faults.commit(batch);
    }

    private void runHook() {
        try {
            hook.run();
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    private boolean isWatched(byte[] key) {
        return key[0] == 'D'
                && key.length == Keys.DATA_KEY_BYTES
                && java.nio.ByteBuffer.wrap(key).getInt(1) == layer;
    }

    @Override
    public void read(@Nullable Guard guard, List<KeyRange> ranges, RowVisitor visitor) throws StoreException {
        reads.incrementAndGet();
        faults.read(guard, ranges, visitor);
    }

    @Override
    public boolean tryRead(@Nullable Guard guard, List<KeyRange> ranges, RowVisitor visitor) throws StoreException {
        return faults.tryRead(guard, ranges, visitor);
    }

    @Override
    public void sync() throws StoreException {
        faults.sync();
    }

    @Override
    public StoreLimits limits() {
        return faults.limits();
    }

    @Override
    public Executor executor() {
        return faults.executor();
    }

    @Override
    public boolean isShared() {
        return shared;
    }

    @Override
    public void close() throws StoreException {
        faults.close();
    }
}
