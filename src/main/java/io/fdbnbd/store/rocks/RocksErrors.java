package io.fdbnbd.store.rocks;

import io.fdbnbd.store.StoreException;
import io.fdbnbd.store.StoreException.Kind;
import java.nio.file.Path;
import org.rocksdb.RocksDBException;
import org.rocksdb.Status;

/** The one place where a status of RocksDB becomes a failure of a store. */
final class RocksErrors {
    private RocksErrors() {}

    static StoreException of(Path directory, RocksDBException failure) {
        Status status = failure.getStatus();
        if (status == null) {
            return new StoreException(Kind.FATAL, directory + ": " + failure.getMessage(), failure);
        }
        return switch (status.getCode()) {
            case IOError -> ofIo(directory, status, failure);
            case Corruption ->
                new StoreException(
                        Kind.FATAL,
                        directory + " is damaged: " + failure.getMessage()
                                + "; check the disk, and restore the directory from a copy",
                        failure);
            case Busy, TimedOut, TryAgain, Aborted ->
                new StoreException(Kind.RETRYABLE, directory + " is busy, try again: " + failure.getMessage(), failure);
            case Ok,
                    NotFound,
                    NotSupported,
                    InvalidArgument,
                    MergeInProgress,
                    Incomplete,
                    ShutdownInProgress,
                    Expired,
                    Undefined -> new StoreException(Kind.FATAL, directory + ": " + failure.getMessage(), failure);
        };
    }

    // RocksDB refuses every later write after a failed one, with the first failure's status. It lifts that by itself
    // once there is room again, but not after another kind of failure.
    private static StoreException ofIo(Path directory, Status status, RocksDBException failure) {
        if (status.getSubCode() == Status.SubCode.NoSpace) {
            return new StoreException(
                    Kind.NO_SPACE,
                    directory + " has no room left: free 64 MiB or more on its file system, and writes are taken again"
                            + " within seconds (" + failure.getMessage() + ")",
                    failure);
        }
        return new StoreException(
                Kind.FATAL,
                directory + " cannot be read or written (" + failure.getMessage()
                        + "): see to its disk, then restart, as writes are refused until then",
                failure);
    }
}
