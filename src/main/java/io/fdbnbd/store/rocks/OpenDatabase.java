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
        try {
            RocksDB database = RocksDB.open(options, directory.toString());
            try {
                checkNothingLost(directory, database.getLatestSequenceNumber());
                return database;
            } catch (IOException | RuntimeException e) {
                database.close();
                throw e;
            }
        } catch (RocksDBException e) {
            // The status of a lock that is held is that of any failed input or output.
            if (String.valueOf(e.getMessage())
                    .contains(directory.resolve("LOCK").toString())) {
                throw place.inUse(e);
            }
            throw RocksErrors.of(directory, e);
        }
    }

    private static void checkNothingLost(Path directory, long recovered) throws IOException {
        long synced = SyncedMark.read(directory);
        if (recovered < synced) {
            throw new StoreException(
                    Kind.FATAL,
                    directory + " is damaged: its log ends at change " + recovered + ", but was synced up to " + synced
                            + "; restore the directory from a copy");
        }
    }
}
