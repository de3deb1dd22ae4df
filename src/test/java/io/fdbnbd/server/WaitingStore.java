package io.fdbnbd.server;

import io.fdbnbd.store.Batch;
import io.fdbnbd.store.Guard;
import io.fdbnbd.store.KeyRange;
import io.fdbnbd.store.RowVisitor;
import io.fdbnbd.store.Store;
import io.fdbnbd.store.StoreException;
import io.fdbnbd.store.StoreLimits;
import java.util.List;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/** A store that has, once told so, nothing at hand: every read has to wait, like one from a disk. */
final class WaitingStore implements Store {
    private final Store under;
    volatile boolean hasNothingAtHand;

    /** Whether it says that its calls hold their thread, as those of RocksDB do. */
    volatile boolean holdsThreads;

    /** Whether it says that it never makes anybody wait. To be set before it is used. */
    volatile boolean immediate;

    WaitingStore(Store under) {
        this.under = under;
    }

    @Override
    public StoreLimits limits() {
        return under.limits();
    }

    @Override
    public boolean isForVirtualThreads() {
        return !holdsThreads;
    }

    @Override
    public boolean isImmediate() {
        return immediate;
    }

    @Override
    public Executor executor() {
        return under.executor();
    }

    @Override
    public void read(@Nullable Guard guard, List<KeyRange> ranges, RowVisitor visitor) throws StoreException {
        under.read(guard, ranges, visitor);
    }

    @Override
    public boolean tryRead(@Nullable Guard guard, List<KeyRange> ranges, RowVisitor visitor) throws StoreException {
        return !hasNothingAtHand && under.tryRead(guard, ranges, visitor);
    }

    @Override
    public void commit(Batch batch) throws StoreException {
        under.commit(batch);
    }

    @Override
    public void sync() throws StoreException {
        under.sync();
    }

    @Override
    public void close() throws StoreException {
        under.close();
    }
}
