package io.fdbnbd.store;

import java.util.List;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * Ordered keys with atomic, guarded batches: all that a volume asks of what is underneath it.
 *
 * <p>Keys order as unsigned bytes. Every method may be called from any thread. Keys are never copied and must not be
 * changed, whoever made them. Values that are passed in are their caller's again when the call returns, whatever became
 * of it: a store copies what it keeps, so that callers can use the arrays for the next values.
 *
 * <p>Calls block. Those that read or write may wait for a disk or a network: make them from {@link #executor()} or from
 * a thread that nothing else waits for, never from a thread that serves sockets.
 */
public interface Store extends AutoCloseable {

    /**
     * Whether other processes may have this store open at the same time, so that an owner in it may be alive although
     * it is not of this process.
     */
    default boolean isShared() {
        return false;
    }

    /** What fits into one batch and one read here, and how many may be under way at once. Constant for a store. */
    StoreLimits limits();

    /**
     * Whether a virtual thread may call this store: false where a call holds on to the thread that carries it, for as
     * long as it takes.
     */
    default boolean isForVirtualThreads() {
        return true;
    }

    /**
     * Whether nothing here ever makes its caller wait, for a disk, a network or a retry: then any thread may call it,
     * one that serves sockets too.
     */
    default boolean isImmediate() {
        return false;
    }

    /** Runs tasks that call this store: platform threads where a call can pin its thread, virtual ones elsewhere. */
    Executor executor();

    /**
     * Visits the pairs of {@code ranges} in the order of the list and, within a range, in key order. All pairs are of
     * one version, which is not older than any batch whose {@link #commit} returned before this call.
     *
     * @param guard if given, the version may instead be up to {@link StoreLimits#guardAgeMax()} older than now, but
     *     never older than this process's own last commit under that guard; the read fails with
     *     {@link StoreException.Kind#GUARD_LOST} once the guard is known not to hold. Without a guard the newest.
     * @throws StoreException RETRYABLE, GUARD_LOST or FATAL; some pairs may have been visited by then
     */
    void read(@Nullable Guard guard, List<KeyRange> ranges, RowVisitor visitor) throws StoreException;

    /**
     * {@link #read} where the answer is at hand, or is expected to be, without waiting for a disk or a network. At most
     * some of the threads that may carry virtual ones are ever held up by an expectation that was wrong.
     *
     * @return false if it is not; the visitor may have been called for some pairs by then, which then count for nothing
     */
    boolean tryRead(@Nullable Guard guard, List<KeyRange> ranges, RowVisitor visitor) throws StoreException;

    /** The newest value of {@code key}, or null if there is none. */
    default byte @Nullable [] get(byte[] key) throws StoreException {
        byte[][] found = new byte[1][];
        read(null, List.of(KeyRange.ofKey(key)), (foundKey, value) -> found[0] = value.clone());
        return found[0];
    }

    /**
     * Whether {@code guard} was seen to hold at most {@link StoreLimits#guardAgeMax()} ago: what reads under it rely on.
     * Never waits; {@link #read} renews it. Always so where guards are checked at every call.
     */
    default boolean isProven(Guard guard) {
        return true;
    }

    /**
     * Applies a batch: all of it or nothing, its operations in their order. On return every later read sees it, and it
     * survives the end of this process; what the machine losing power may undo is what {@link #sync} covers. One
     * attempt: whether to try again is the caller's decision, by {@link StoreException#kind}. Batches committed at the
     * same time from several threads are not ordered.
     *
     * @throws StoreException see {@link StoreException.Kind} for what each kind says of the batch
     */
    void commit(Batch batch) throws StoreException;

    /** Returns when every batch whose {@link #commit} returned before this call survives the loss of power. */
    void sync() throws StoreException;

    /** Waits for calls under way, then releases everything. Later calls throw {@link IllegalStateException}. */
    @Override
    void close() throws StoreException;
}
