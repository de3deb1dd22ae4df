package io.fdbnbd.store;

import io.fdbnbd.store.StoreException.Kind;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Wraps any store and makes its calls fail as told. What each call meets is a {@link Fault}: scripted ones
 * ({@link #onCommit}, {@link #onRead}, {@link #onSync}) are used up one a call, in order; when the script is empty, the
 * source set by {@link #always} is asked. With nothing set it is the store it wraps.
 *
 * <p>A read fails before anything is visited, {@link #tryRead} as {@link #read}. Safe for any threads.
 */
public final class FaultStore implements Store {
    /** Which calls a fault is for. */
    public enum Call {
        COMMIT,
        READ,
        SYNC
    }

    /**
     * What a call meets.
     *
     * @param kind how it fails; null: not at all
     * @param applied whether it is done all the same, so that only its answer is lost; for commits
     * @param hold if not null, the call waits for this latch first, before anything is done
     * @param reached counted down when the call begins to wait, so that a test knows that it is under way
     */
    public record Fault(
            @Nullable Kind kind,
            boolean applied,
            @Nullable CountDownLatch hold,
            @Nullable CountDownLatch reached) {

        /** The call goes through. To let some calls pass before the one that is meant. */
        public static final Fault NONE = new Fault(null, true, null, null);

        /** Fails without doing anything. */
        public static Fault fail(Kind kind) {
            return new Fault(kind, false, null, null);
        }

        /** Done, and reported as unknown: UNKNOWN_OUTCOME or UNRESOLVED_OUTCOME. */
        public static Fault appliedBut(Kind kind) {
            return new Fault(kind, true, null, null);
        }

        /** Goes through once {@code hold} is open; {@code reached} opens when the call has come that far. */
        public static Fault delay(CountDownLatch hold, CountDownLatch reached) {
            return NONE.held(hold, reached);
        }

        /** This fault, but only once {@code hold} is open. */
        public Fault held(CountDownLatch hold, CountDownLatch reached) {
            return new Fault(kind, applied, hold, reached);
        }
    }

    private final Store under;
    private final ConcurrentLinkedQueue<Fault> onCommit = new ConcurrentLinkedQueue<>();
    private final ConcurrentLinkedQueue<Fault> onRead = new ConcurrentLinkedQueue<>();
    private final ConcurrentLinkedQueue<Fault> onSync = new ConcurrentLinkedQueue<>();
    private final AtomicInteger faults = new AtomicInteger();
    private volatile Source source = call -> Fault.NONE;

    /** Decides what a call meets for which there is no script. Is called by many threads. */
    @FunctionalInterface
    public interface Source {
        Fault next(Call call);

        /**
         * One commit in {@code oneIn} fails, by the seed: not applied, or applied or not with an unknown outcome. Reads
         * fail as often, retryable ones.
         */
        static Source random(long seed, int oneIn) {
            Random random = new Random(seed);
            return call -> {
                if (random.nextInt(oneIn) > 0 || call == Call.SYNC) {
                    return Fault.NONE;
                }
                if (call == Call.READ || random.nextBoolean()) {
                    return Fault.fail(Kind.RETRYABLE);
                }
                return new Fault(Kind.UNKNOWN_OUTCOME, random.nextBoolean(), null, null);
            };
        }
    }

    public FaultStore(Store under) {
        this.under = under;
    }

    /** The next commits meet these, one each, after those set before. */
    public FaultStore onCommit(Fault... next) {
        onCommit.addAll(List.of(next));
        return this;
    }

    /** The next reads (of either method) meet these. */
    public FaultStore onRead(Fault... next) {
        onRead.addAll(List.of(next));
        return this;
    }

    /** The next syncs meet these. */
    public FaultStore onSync(Fault... next) {
        onSync.addAll(List.of(next));
        return this;
    }

    /** Every call that no script is left for asks this source. */
    public FaultStore always(Source next) {
        source = next;
        return this;
    }

    /** Forgets scripts and source: from now on all goes well. Calls that wait for their latch go on waiting. */
    public FaultStore heal() {
        source = call -> Fault.NONE;
        onCommit.clear();
        onRead.clear();
        onSync.clear();
        return this;
    }

    /** How many calls have failed on purpose so far. */
    public int faultCount() {
        return faults.get();
    }

    @Override
    public StoreLimits limits() {
        return under.limits();
    }

    @Override
    public Executor executor() {
        return under.executor();
    }

    @Override
    public boolean isShared() {
        return under.isShared();
    }

    @Override
    public boolean isProven(Guard guard) {
        return under.isProven(guard);
    }

    @Override
    public void read(@Nullable Guard guard, List<KeyRange> ranges, RowVisitor visitor) throws StoreException {
        failIfTold(meet(onRead, Call.READ));
        under.read(guard, ranges, visitor);
    }

    @Override
    public boolean tryRead(@Nullable Guard guard, List<KeyRange> ranges, RowVisitor visitor) throws StoreException {
        failIfTold(meet(onRead, Call.READ));
        return under.tryRead(guard, ranges, visitor);
    }

    @Override
    public void commit(Batch batch) throws StoreException {
        Fault fault = meet(onCommit, Call.COMMIT);
        if (fault.applied()) {
            under.commit(batch);
        }
        failIfTold(fault);
    }

    @Override
    public void sync() throws StoreException {
        failIfTold(meet(onSync, Call.SYNC));
        under.sync();
    }

    private Fault meet(ConcurrentLinkedQueue<Fault> script, Call call) {
        Fault scripted = script.poll();
        Fault fault = scripted == null ? source.next(call) : scripted;
        if (fault.reached() != null) {
            fault.reached().countDown();
        }
        if (fault.hold() != null) {
            awaitUninterruptibly(fault.hold());
        }
        return fault;
    }

    private void failIfTold(Fault fault) throws StoreException {
        Kind kind = fault.kind();
        if (kind != null) {
            faults.incrementAndGet();
            throw new StoreException(kind, "injected: " + kind);
        }
    }

    private static void awaitUninterruptibly(CountDownLatch latch) {
        boolean interrupted = false;
        while (true) {
            try {
                latch.await();
                break;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() throws StoreException {
        under.close();
    }
}
