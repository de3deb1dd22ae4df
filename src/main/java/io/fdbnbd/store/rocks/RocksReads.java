package io.fdbnbd.store.rocks;

import io.fdbnbd.store.Guard;
import io.fdbnbd.store.KeyRange;
import io.fdbnbd.store.RowVisitor;
import io.fdbnbd.store.StoreException;
import io.fdbnbd.store.StoreException.Kind;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.rocksdb.ReadOptions;
import org.rocksdb.RocksDB;
import org.rocksdb.RocksDBException;
import org.rocksdb.RocksIterator;
import org.rocksdb.Slice;
import org.rocksdb.Snapshot;

/** Reads of one version, checked against a guard. Every checksum is checked: a wrong key would be a wrong block. */
final class RocksReads implements AutoCloseable {
    /** Ranges of so many rows are read in larger pieces, past the cache: they would push out what is read again. */
    private static final int LONG_SCAN_ROWS_MIN = 64;

    private static final long LONG_SCAN_READAHEAD_BYTES = 128 << 10;

    private final RocksDB database;
    private final ReadOptions newest = new ReadOptions();

    RocksReads(RocksDB database) {
        this.database = database;
    }

    void read(@Nullable Guard guard, List<KeyRange> ranges, RowVisitor visitor)
            throws RocksDBException, StoreException {
        if (ranges.size() == 1) {
            // A lookup and an iterator are of one version each, without the cost of a snapshot.
            visit(ranges.getFirst(), newest, visitor);
        } else {
            visitUnderSnapshot(ranges, visitor);
        }
        // Last, so that it needs no snapshot: that the guard holds now says that the version read was not too old.
        if (guard != null) {
            check(guard);
        }
    }

    void check(Guard guard) throws RocksDBException, StoreException {
        if (!Arrays.equals(get(guard.key()), guard.value())) {
            throw new StoreException(Kind.GUARD_LOST, "a guard does not hold any more: its key was rewritten");
        }
    }

    byte @Nullable [] get(byte[] key) throws RocksDBException {
        return database.get(newest, key);
    }

    private void visitUnderSnapshot(List<KeyRange> ranges, RowVisitor visitor) throws RocksDBException {
        Snapshot snapshot = database.getSnapshot();
        try (ReadOptions options = new ReadOptions().setSnapshot(snapshot)) {
            for (KeyRange range : ranges) {
                visit(range, options, visitor);
            }
        } finally {
            database.releaseSnapshot(snapshot);
        }
    }

    private void visit(KeyRange range, ReadOptions options, RowVisitor visitor) throws RocksDBException {
        if (range.isSingleKey()) {
            byte[] value = database.get(options, range.begin());
            if (value != null) {
                visitor.row(range.begin(), value);
            }
            return;
        }
        try (ReadOptions bounded = new ReadOptions(options);
                Slice end = new Slice(range.end())) {
            bounded.setIterateUpperBound(end);
            if (range.rowsMax() >= LONG_SCAN_ROWS_MIN) {
                bounded.setReadaheadSize(LONG_SCAN_READAHEAD_BYTES).setFillCache(false);
            }
            scan(range, bounded, visitor);
        }
    }

    private void scan(KeyRange range, ReadOptions options, RowVisitor visitor) throws RocksDBException {
        try (RocksIterator rows = database.newIterator(options)) {
            int left = range.rowsMax();
            for (rows.seek(range.begin()); rows.isValid(); rows.next()) {
                visitor.row(rows.key(), rows.value());
                if (--left == 0) {
                    return;
                }
            }
            rows.status();
        }
    }

    @Override
    public void close() {
        newest.close();
    }
}
