package io.fdbnbd.store.fdb;

import com.apple.foundationdb.FDB;
import com.apple.foundationdb.FDBException;
import io.fdbnbd.store.StoreException;
import io.fdbnbd.store.StoreException.Kind;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * FoundationDB's client library in this process: loaded once, its one network thread started once and never again, by
 * the library's own rules.
 */
final class FdbClient {

    static final int API_VERSION = 730;

    private static final int API_VERSION_NOT_SUPPORTED = 2203;

    private static final String INSTALL =
            "install FoundationDB's client package 7.3 (foundationdb-clients), or name the"
                    + " library with FDB_NBD_JAVA_OPTS=-DFDB_LIBRARY_PATH_FDB_C=/path/to/libfdb_c.so";

    private static final ReentrantLock LOCK = new ReentrantLock();

    // Guarded by LOCK.
    private static @Nullable FDB loaded;

    private FdbClient() {}

    /** The client; throws FATAL, with what to install, if there is none that can be used. */
    static FDB load() throws StoreException {
        LOCK.lock();
        try {
            if (loaded == null) {
                loaded = select();
                // The store's owner orders the end: calls are awaited before the network stops.
                loaded.disableShutdownHook();
            }
            return loaded;
        } finally {
            LOCK.unlock();
        }
    }

    private static FDB select() throws StoreException {
        try {
            return FDB.selectAPIVersion(API_VERSION);
        } catch (FDBException e) {
            if (e.getCode() == API_VERSION_NOT_SUPPORTED) {
                throw new StoreException(
                        Kind.FATAL, "FoundationDB's client library libfdb_c is older than 7.3: " + INSTALL, e);
            }
            throw FdbErrors.of(e, FdbErrors.During.READ);
        } catch (LinkageError e) {
            throw new StoreException(Kind.FATAL, "FoundationDB's client library libfdb_c was not found: " + INSTALL, e);
        }
    }

    /** Where FoundationDB's tools would find the cluster file: throws FATAL if there is none. */
    static String clusterFile(Optional<String> named) throws StoreException {
        String fromEnvironment = System.getenv("FDB_CLUSTER_FILE");
        String path = named.orElse(fromEnvironment != null ? fromEnvironment : defaultClusterFile());
        if (!Files.isReadable(Path.of(path))) {
            throw new StoreException(
                    Kind.FATAL,
                    "the cluster file " + path + " can not be read: name the right one with --store fdb:CLUSTER_FILE"
                            + " or FDB_CLUSTER_FILE");
        }
        return path;
    }

    private static String defaultClusterFile() {
        return Files.isReadable(Path.of("fdb.cluster")) ? "fdb.cluster" : "/etc/foundationdb/fdb.cluster";
    }
}
