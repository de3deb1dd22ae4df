package io.fdbnbd.store.rocks;

import io.fdbnbd.store.StoreException;
import io.fdbnbd.store.StoreException.Kind;
import java.io.IOException;
import java.nio.file.Path;
import org.rocksdb.Options;
import org.rocksdb.RocksDB;
import org.rocksdb.RocksDBException;

/** Opens the database of a directory, if it holds what it once promised to hold. */
final class OpenDatabase {
    private OpenDatabase() {}

    static RocksDB open(StoreDirectory place, Options options) throws IOException {
        Path directory = place.path();
        long synced = SyncedMark.read(directory);
        if (synced > 0 && place.holder().isEmpty()) {
            probe(directory, options, synced);
        }
        try {
            RocksDB database = RocksDB.open(options, directory.toString());
            if (database.getLatestSequenceNumber() < synced) {
                database.close();
                throw lost(directory, synced);
            }
            return database;
        } catch (RocksDBException e) {
            // The status of a lock that is held is that of any failed input or output.
            if (String.valueOf(e.getMessage())
                    .contains(directory.resolve("LOCK").toString())) {
                throw place.inUse(e);
            }
            throw RocksErrors.of(directory, e);
        }
    }

    // The real opening deletes the log after it has taken from it what it could: by then nobody could repair it any
    // more. Whatever else is wrong is left for the real opening to report.
    private static void probe(Path directory, Options options, long synced) throws StoreException {
        try (RocksDB database = RocksDB.openReadOnly(options, directory.toString())) {
            if (database.getLatestSequenceNumber() < synced) {
                throw lost(directory, synced);
            }
        } catch (RocksDBException e) {
            return;
        }
    }

    private static StoreException lost(Path directory, long synced) {
        return new StoreException(
                Kind.FATAL,
                directory + " is damaged: its log was synced up to change " + synced
                        + " and cannot be read that far; check the disk, and restore the directory from a copy");
    }
}
