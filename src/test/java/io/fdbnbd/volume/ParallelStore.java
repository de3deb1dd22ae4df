package io.fdbnbd.volume;

import io.fdbnbd.store.Batch;
import io.fdbnbd.store.Batches;
import io.fdbnbd.store.Guard;
import io.fdbnbd.store.KeyRange;
import io.fdbnbd.store.RowVisitor;
import io.fdbnbd.store.Store;
import io.fdbnbd.store.StoreException;
import io.fdbnbd.store.StoreException.Kind;
import io.fdbnbd.store.StoreLimits;
import io.fdbnbd.util.Threads;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A store that gains from many commits at once, as FoundationDB does: small batches, commits that take their time and
 * land in any order. Notes if two commits under way ever hold the same block. If told, it leaves some commits unresolved
 * and applies them later, when it hurts most.
 */
final class ParallelStore implements Store {

    static final int COMMITS_IN_FLIGHT_MAX = 8;
    private static final int DELAY_MICROS_MAX = 300;
    private static final int UNRESOLVED_ONE_IN = 12;
    private static final int LATE_MAX = 5;

    private final Store under;
    private final boolean leavesUnresolved;
    private final StoreLimits limits;
    private final ExecutorService executor = Executors.newThreadPerTaskExecutor(Threads.virtual("parallel-io"));
    private final CountDownLatch closed = new CountDownLatch(1);
    private final ReentrantLock lock = new ReentrantLock();

    // Guarded by lock.
    private final Random random;
    private final List<NavigableMap<Long, Long>> underWay = new ArrayList<>();
    private final ArrayDeque<Batch> late = new ArrayDeque<>();
    private int commitsAtOnceMax;
    private @Nullable String collision;

    ParallelStore(Store under, long seed, boolean leavesUnresolved) {
        this.under = under;
        this.random = new Random(seed);
        this.leavesUnresolved = leavesUnresolved;
        StoreLimits of = under.limits();
        this.limits = new StoreLimits(
                of.keyBytesMax(),
                of.valueBytesMax(),
                of.batchBytesMax(),
                1 << 17,
                COMMITS_IN_FLIGHT_MAX,
                4 << 20,
                1 << 15,
                1 << 20,
                of.guardAgeMax());
    }

    /** What was wrong, if two commits ever held the same block. */
    @Nullable
    String collision() {
        lock.lock();
        try {
            return collision;
        } finally {
            lock.unlock();
        }
    }

    /** How many commits were under way at once, at most. */
    int commitsAtOnceMax() {
        lock.lock();
        try {
            return commitsAtOnceMax;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void commit(Batch batch) throws StoreException {
        NavigableMap<Long, Long> blocks = blocksOf(batch);
        if (blocks.isEmpty()) {
            under.commit(batch);
            return;
        }
        long micros = begin(blocks);
        try {
            pause(micros);
            if (staysUnresolved(batch)) {
                throw new StoreException(Kind.UNRESOLVED_OUTCOME, "injected: unresolved");
            }
            under.commit(batch);
        } finally {
            end(blocks);
        }
        applyLate();
    }

    private long begin(NavigableMap<Long, Long> blocks) {
        lock.lock();
        try {
            for (NavigableMap<Long, Long> other : underWay) {
                for (Map.Entry<Long, Long> range : blocks.entrySet()) {
                    Map.Entry<Long, Long> before = other.lowerEntry(range.getValue());
                    if (before != null && before.getValue() > range.getKey()) {
                        collision = "two commits hold a block of " + range + ", " + before;
                    }
                }
            }
            underWay.add(blocks);
            commitsAtOnceMax = Math.max(commitsAtOnceMax, underWay.size());
            return random.nextInt(DELAY_MICROS_MAX);
        } finally {
            lock.unlock();
        }
    }

    private void end(NavigableMap<Long, Long> blocks) {
        lock.lock();
        try {
            underWay.removeIf(other -> System.identityHashCode(other) == System.identityHashCode(blocks));
        } finally {
            lock.unlock();
        }
    }

    private void pause(long micros) {
        try {
            closed.await(micros, TimeUnit.MICROSECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private boolean staysUnresolved(Batch batch) {
        lock.lock();
        try {
            if (!leavesUnresolved || late.size() == LATE_MAX || random.nextInt(UNRESOLVED_ONE_IN) > 0) {
                return false;
            }
            late.add(Batches.copyOf(batch));
            return true;
        } finally {
            lock.unlock();
        }
    }

    private void applyLate() {
        Batch batch;
        lock.lock();
        try {
            batch = random.nextInt(3) > 0 ? null : late.poll();
        } finally {
            lock.unlock();
        }
        if (batch != null) {
            try {
                under.commit(batch);
            } catch (StoreException e) {
                // Fenced off, as it should be.
            }
        }
    }

    /** The blocks that a batch holds, as disjoint ranges: first to end. */
    private static NavigableMap<Long, Long> blocksOf(Batch batch) throws StoreException {
        NavigableMap<Long, Long> blocks = new TreeMap<>();
        batch.forEach(new Batch.Operations() {
            @Override
            public void set(byte[] key, byte[] value) {
                add(key, 1);
            }

            @Override
            public void clear(byte[] key) {
                add(key, 1);
            }

            @Override
            public void clearRange(byte[] begin, byte[] end) {
                if (begin[0] == 'D') {
                    add(begin, Keys.blockOf(end) - Keys.blockOf(begin));
                }
            }

            @Override
            public void setBits(byte[] key, byte[] bits) {}

            @Override
            public void clearBits(byte[] key, byte[] bits) {}

            private void add(byte[] key, long count) {
                if (key[0] == 'D' && ByteBuffer.wrap(key).getInt(1) > 0) {
                    long first = Keys.blockOf(key);
                    Map.Entry<Long, Long> before = blocks.floorEntry(first);
                    if (before == null || before.getValue() <= first) {
                        blocks.put(first, first + count);
                    }
                }
            }
        });
        return blocks;
    }

    @Override
    public void read(@Nullable Guard guard, List<KeyRange> ranges, RowVisitor visitor) throws StoreException {
        under.read(guard, ranges, visitor);
    }

    /** Half of the time there is something to wait for. */
    @Override
    public boolean tryRead(@Nullable Guard guard, List<KeyRange> ranges, RowVisitor visitor) throws StoreException {
        lock.lock();
        try {
            if (random.nextBoolean()) {
                return false;
            }
        } finally {
            lock.unlock();
        }
        return under.tryRead(guard, ranges, visitor);
    }

    @Override
    public void sync() throws StoreException {
        under.sync();
    }

    @Override
    public StoreLimits limits() {
        return limits;
    }

    @Override
    public Executor executor() {
        return executor;
    }

    @Override
    public boolean isShared() {
        return false;
    }

    @Override
    public void close() throws StoreException {
        closed.countDown();
        executor.close();
        under.close();
    }
}
