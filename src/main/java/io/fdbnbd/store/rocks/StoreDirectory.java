package io.fdbnbd.store.rocks;

import io.fdbnbd.store.StoreException;
import io.fdbnbd.store.StoreException.Kind;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * The directory of a store, apart from what RocksDB keeps in it: whether it is ours to write into, and who holds it.
 * A marker file says that it is ours; it is written before anything else is.
 */
final class StoreDirectory {
    private static final String MARKER_NAME = "fdb-nbd.store";
    private static final String MARKER = "The block devices of fdb-nbd, in RocksDB. Change nothing here by hand.\n";
    private static final String HOLDER_NAME = "fdb-nbd.pid";
    private static final String ROCKSDB_CURRENT_NAME = "CURRENT";

    /** Names without which a directory counts as empty: the first is found wherever a file system is mounted. */
    private static final Set<String> IGNORED_NAMES = Set.of("lost+found", MARKER_NAME, HOLDER_NAME);

    private final Path path;
    private final boolean holdsDatabase;

    private StoreDirectory(Path path, boolean holdsDatabase) {
        this.path = path;
        this.holdsDatabase = holdsDatabase;
    }

    /**
     * Creates the directory if there is none, readable by its owner alone, and marks it as ours if it is empty.
     *
     * @throws StoreException FATAL if it cannot be written to or holds something else; nothing was changed then
     */
    static StoreDirectory prepare(Path wanted) throws StoreException {
        try {
            Files.createDirectories(
                    wanted, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
            // One name for one directory: RocksDB tells two openings in one process apart by name.
            Path path = wanted.toRealPath();
            boolean marked = Files.exists(path.resolve(MARKER_NAME));
            if (!marked) {
                refuseForeign(path);
                Files.writeString(path.resolve(MARKER_NAME), MARKER);
            }
            boolean holdsDatabase = Files.exists(path.resolve(ROCKSDB_CURRENT_NAME));
            if (!holdsDatabase) {
                refuseRemains(path);
            }
            return new StoreDirectory(path, holdsDatabase);
        } catch (FileAlreadyExistsException e) {
            throw new StoreException(Kind.FATAL, wanted + " is not a directory: name another one", e);
        } catch (IOException e) {
            throw e instanceof StoreException known ? known : notUsable(wanted, e);
        }
    }

    private static void refuseForeign(Path path) throws IOException {
        try (Stream<Path> files = Files.list(path)) {
            String found = files.map(StoreDirectory::nameOf)
                    .filter(Predicate.not(IGNORED_NAMES::contains))
                    .sorted()
                    .findFirst()
                    .orElse(null);
            if (found != null) {
                throw new StoreException(
                        Kind.FATAL,
                        path + " holds something other than a store of fdb-nbd (for one, " + found
                                + "): name an empty directory or one that does not exist");
            }
        }
    }

    // To RocksDB a directory without this file is a new one, and it deletes the tables that it does not know.
    private static void refuseRemains(Path path) throws IOException {
        try (Stream<Path> files = Files.list(path)) {
            if (files.map(StoreDirectory::nameOf).anyMatch(name -> name.endsWith(".sst"))) {
                throw new StoreException(
                        Kind.FATAL,
                        path + " is damaged: it has data but no file " + ROCKSDB_CURRENT_NAME
                                + "; restore the directory from a copy");
            }
        }
    }

    private static String nameOf(Path file) {
        return String.valueOf(file.getFileName());
    }

    private static StoreException notUsable(Path wanted, IOException cause) {
        // The message of these is a path alone.
        String reason = cause instanceof FileSystemException e && e.getReason() != null
                ? e.getReason()
                : cause.getClass().getSimpleName();
        return new StoreException(
                Kind.FATAL,
                wanted + " cannot be written to (" + reason + "): give this user the rights or name another directory",
                cause);
    }

    Path path() {
        return path;
    }

    /** Whether there is a database already, so that a new one must not be made. */
    boolean holdsDatabase() {
        return holdsDatabase;
    }

    /** Tells others who holds this directory. For their messages only: what keeps them out is RocksDB's own lock. */
    void writeHolder() throws StoreException {
        try {
            Files.writeString(path.resolve(HOLDER_NAME), ProcessHandle.current().pid() + "\n");
        } catch (IOException e) {
            throw notUsable(path, e);
        }
    }

    void deleteHolder() throws StoreException {
        try {
            Files.deleteIfExists(path.resolve(HOLDER_NAME));
        } catch (IOException e) {
            throw notUsable(path, e);
        }
    }

    /** What to throw once the directory has turned out to be locked. */
    StoreException inUse(Throwable cause) {
        OptionalLong pid = holder();
        String who = pid.isEmpty() ? "another process" : "process " + pid.getAsLong();
        if (pid.isPresent() && pid.getAsLong() == ProcessHandle.current().pid()) {
            who = "this process (" + pid.getAsLong() + ")";
        }
        return new StoreException(
                Kind.FATAL, path + " is in use by " + who + ": stop it, or name another directory", cause);
    }

    /**
     * The process that says it holds this directory, if there is such a process. A holder that was killed leaves its
     * number behind, and one that is just opening has not written it yet.
     */
    OptionalLong holder() {
        try {
            long pid =
                    Long.parseLong(Files.readString(path.resolve(HOLDER_NAME)).strip());
            return ProcessHandle.of(pid).isPresent() ? OptionalLong.of(pid) : OptionalLong.empty();
        } catch (IOException | NumberFormatException e) {
            return OptionalLong.empty();
        }
    }
}
