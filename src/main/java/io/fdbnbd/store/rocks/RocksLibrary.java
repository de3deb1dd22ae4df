package io.fdbnbd.store.rocks;

import io.fdbnbd.store.StoreException;
import io.fdbnbd.store.StoreException.Kind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.rocksdb.NativeLibraryLoader;
import org.rocksdb.RocksDB;

/** Brings RocksDB's native library into the process. */
final class RocksLibrary {
    private RocksLibrary() {}

    /**
     * Loads it if it is not loaded. RocksDB's own way leaves 17 MB in the directory for temporary files every time that
     * the process is killed; here the file is unlinked as soon as it is mapped.
     */
    static void load() throws StoreException {
        try {
            Path extracted = Files.createTempDirectory("fdb-nbd-");
            try {
                NativeLibraryLoader.getInstance().loadLibrary(extracted.toString());
            } finally {
                deleteAll(extracted);
            }
            RocksDB.loadLibrary();
        } catch (IOException | RuntimeException | UnsatisfiedLinkError e) {
            throw new StoreException(
                    Kind.FATAL,
                    "RocksDB's native library cannot be loaded (" + e.getMessage() + "): "
                            + "java.io.tmpdir must name a directory that can be written to and allows execution",
                    e);
        }
    }

    private static void deleteAll(Path directory) throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
        }
        Files.delete(directory);
    }
}
