package io.fdbnbd.store.rocks;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.fdbnbd.store.Batch;
import io.fdbnbd.store.Bytes;
import io.fdbnbd.store.StoreException;
import io.fdbnbd.store.StoreException.Kind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.rocksdb.Options;
import org.rocksdb.RocksDB;

/** Which directories are taken, and what is said of the others. */
class RocksDirectoryTest {
    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path parent;

    @Test
    void aMissingDirectoryIsMadeForItsOwnerAlone() throws Exception {
        Path directory = parent.resolve("a/b");
        RocksStore.open(directory).close();
        assertEquals("rwx------", PosixFilePermissions.toString(Files.getPosixFilePermissions(directory)));
        RocksStore.open(directory).close();
    }

    @Test
    void anEmptyDirectoryAndAFreshFileSystemAreTaken() throws Exception {
        Files.createDirectory(parent.resolve("lost+found"));
        RocksStore.open(parent).close();
        RocksStore.open(parent).close();
    }

    @Test
    void aDirectoryWithAnythingElseIsRefusedAndLeftAlone() throws Exception {
        Files.writeString(parent.resolve("thesis.txt"), "mine");
        assertRefused(parent, "holds something other than a store of fdb-nbd (for one, thesis.txt)");
        assertEquals(List.of("thesis.txt"), names(parent));
    }

    @Test
    void someoneElsesRocksDbIsRefusedAndLeftAlone() throws Exception {
        RocksLibrary.load();
        try (Options options = new Options().setCreateIfMissing(true);
                RocksDB database = RocksDB.open(options, parent.toString())) {
            database.put(Bytes.of("a"), Bytes.of("1"));
        }
        List<String> before = names(parent);
        assertRefused(parent, "holds something other than a store of fdb-nbd");
        assertEquals(before, names(parent));
    }

    @Test
    void aFileIsRefused() throws Exception {
        Path file = Files.writeString(parent.resolve("file"), "text");
        assertRefused(file, "is not a directory");
        assertRefused(file.resolve("below"), "cannot be written to");
    }

    @Test
    void aDirectoryThatCannotBeWrittenToIsRefused() throws Exception {
        try (Unwritable directory = Unwritable.make(parent)) {
            assertRefused(directory.path(), "cannot be written to");
            assertRefused(directory.path().resolve("below"), "cannot be written to");
        }
    }

    /** As a file system becomes when the kernel no longer trusts its disk: the store is in there, and whole. */
    @Test
    void aStoreThatCannotBeWrittenToAnyMoreIsRefused() throws Exception {
        Path directory = parent.resolve("store");
        try (SmallDisk disk = SmallDisk.mount(parent, 64 << 20, 1)) {
            try (RocksStore store = RocksStore.open(directory)) {
                store.commit(new Batch().set(Bytes.of("a"), Bytes.of("1")));
                store.sync();
            }
            disk.makeReadOnly();
            assertRefused(directory, "Read-only file system");
            assertRefused(parent.resolve("another"), "cannot be written to");
        }
    }

    @Test
    void aDirectoryInUseIsRefusedAndTheHolderNamed() throws Exception {
        Path directory = parent.resolve("store");
        try (Holder holder = Holder.start(directory, false)) {
            assertRefused(directory, "is in use by process " + holder.pid() + ":");
            assertRefused(directory, "is in use by process " + holder.pid() + ":");
            holder.kill();
        }
        RocksStore.open(directory).close();
    }

    @Test
    void aSecondOpeningInTheSameProcessIsRefusedAndHarmless() throws Exception {
        Path directory = parent.resolve("store");
        Path alias = Files.createSymbolicLink(parent.resolve("alias"), directory);
        try (RocksStore store = RocksStore.open(directory)) {
            String thisProcess =
                    "is in use by this process (" + ProcessHandle.current().pid() + ")";
            assertRefused(directory, thisProcess);
            assertRefused(alias, thisProcess);
            store.commit(new Batch().set(Bytes.of("a"), Bytes.of("1")));
            assertTrue(Files.exists(directory.resolve("fdb-nbd.pid")));
        }
        assertFalse(Files.exists(directory.resolve("fdb-nbd.pid")));
        RocksStore.open(alias).close();
    }

    private static void assertRefused(Path directory, String reason) {
        StoreException refusal = assertThrows(StoreException.class, () -> RocksStore.open(directory));
        assertEquals(Kind.FATAL, refusal.kind());
        String message = String.valueOf(refusal.getMessage());
        assertTrue(message.contains(reason), message);
    }

    private static List<String> names(Path directory) throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.map(file -> String.valueOf(file.getFileName()))
                    .sorted()
                    .toList();
        }
    }

    /** A directory that this user cannot write to, even if it is root. */
    private record Unwritable(Path path, boolean isImmutable) implements AutoCloseable {
        static Unwritable make(Path parent) throws IOException {
            Path path = Files.createDirectory(parent.resolve("unwritable"));
            Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("r-xr-xr-x"));
            boolean isImmutable = Files.isWritable(path);
            if (isImmutable) {
                assumeTrue(SmallDisk.run("chattr", "+i", path.toString()), "root can write anywhere here");
            }
            return new Unwritable(path, isImmutable);
        }

        @Override
        public void close() throws IOException {
            if (isImmutable) {
                SmallDisk.run("chattr", "-i", path.toString());
            }
        }
    }
}
