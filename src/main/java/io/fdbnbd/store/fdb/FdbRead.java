package io.fdbnbd.store.fdb;

import com.apple.foundationdb.KeyValue;
import com.apple.foundationdb.ReadTransaction;
import com.apple.foundationdb.StreamingMode;
import com.apple.foundationdb.Transaction;
import io.fdbnbd.store.KeyRange;
import io.fdbnbd.store.RowVisitor;
import io.fdbnbd.store.StoreException;
import io.fdbnbd.store.fdb.FdbErrors.During;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * One read of several ranges: all are asked for at once, each one trip to a storage server if it was cut to
 * {@code readBytesTarget}. Snapshot reads, which declare no conflicts; always with an exact limit of rows, so that a
 * reply is whole. The client's direct buffers stay off: with them it drops, without a word, the rows that do not fit.
 */
final class FdbRead {

    private final FdbKeys keys;
    private final List<KeyRange> ranges;
    private final List<CompletableFuture<byte @Nullable []>> values = new ArrayList<>();
    private final List<CompletableFuture<List<KeyValue>>> rows = new ArrayList<>();

    FdbRead(FdbKeys keys, List<KeyRange> ranges) {
        this.keys = keys;
        this.ranges = ranges;
    }

    void send(Transaction transaction) {
        ReadTransaction snapshot = transaction.snapshot();
        for (KeyRange range : ranges) {
            byte[] begin = keys.of(range.begin());
            if (range.isSingleKey()) {
                values.add(snapshot.get(begin));
            } else {
                rows.add(snapshot.getRange(begin, keys.of(range.end()), range.rowsMax(), false, StreamingMode.EXACT)
                        .asList());
            }
        }
    }

    /**
     * Returns when all replies are there. All are awaited even after a failure: the transaction is closed next. What was
     * asked for last mostly comes last: this thread is woken once, not for every reply.
     */
    void await() throws StoreException {
        StoreException failure = null;
        for (CompletableFuture<?> reply : values.reversed()) {
            failure = first(failure, reply);
        }
        for (CompletableFuture<?> reply : rows.reversed()) {
            failure = first(failure, reply);
        }
        if (failure != null) {
            throw failure;
        }
    }

    private static @Nullable StoreException first(@Nullable StoreException failure, CompletableFuture<?> reply) {
        try {
            FdbErrors.join(reply, During.READ);
            return failure;
        } catch (StoreException e) {
            return failure == null ? e : failure;
        }
    }

    void show(RowVisitor visitor) throws StoreException {
        int nextValue = 0;
        int nextRows = 0;
        for (KeyRange range : ranges) {
            if (range.isSingleKey()) {
                byte[] value = FdbErrors.<byte @Nullable []>join(values.get(nextValue++), During.READ);
                if (value != null) {
                    visitor.row(range.begin(), value);
                }
            } else {
                for (KeyValue row : FdbErrors.join(rows.get(nextRows++), During.READ)) {
                    visitor.row(keys.without(row.getKey()), row.getValue());
                }
            }
        }
    }
}
