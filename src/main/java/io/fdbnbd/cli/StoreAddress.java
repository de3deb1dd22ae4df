package io.fdbnbd.cli;

import io.fdbnbd.store.Store;
import io.fdbnbd.store.StoreException;
import io.fdbnbd.store.fdb.FdbLocation;
import io.fdbnbd.store.fdb.FdbStore;
import io.fdbnbd.store.memory.MemoryStore;
import io.fdbnbd.store.rocks.RocksStore;
import io.fdbnbd.util.Printable;
import io.fdbnbd.util.Ticker;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;

/** Where the volumes are kept, as people write it; this is where the stores plug in. */
sealed interface StoreAddress {

    String ROCKS_PREFIX = "rocksdb:";
    String MEMORY = "memory:";
    String FDB_PREFIX = "fdb:";

    /** A directory of this machine. */
    record Rocks(Path directory) implements StoreAddress {
        @Override
        public Store open() throws StoreException {
            return RocksStore.open(directory);
        }

        @Override
        public String toString() {
            return ROCKS_PREFIX + directory;
        }
    }

    /** Gone with the process. */
    record Memory() implements StoreAddress {
        @Override
        public Store open() {
            return new MemoryStore();
        }

        @Override
        public String toString() {
            return MEMORY;
        }
    }

    /**
     * A FoundationDB cluster.
     *
     * @param text as the user wrote it
     */
    record Fdb(FdbLocation location, String text) implements StoreAddress {
        @Override
        public Store open() throws StoreException {
            return FdbStore.open(location, Ticker.SYSTEM);
        }

        @Override
        public String toString() {
            return text;
        }
    }

    /** Opens the store. Whoever calls closes it. */
    Store open() throws StoreException;

    /**
     * Reads what a person wrote.
     *
     * @param surroundings what the place of a store may depend on
     * @throws IllegalArgumentException if it names no store; the message says what is accepted, for the user
     */
    static StoreAddress parse(String text, Surroundings surroundings) {
        if (text.equals(MEMORY)) {
            return new Memory();
        }
        if (text.startsWith(ROCKS_PREFIX)) {
            return new Rocks(directory(text.substring(ROCKS_PREFIX.length()), surroundings));
        }
        if (text.startsWith(FDB_PREFIX)) {
            return new Fdb(FdbLocation.parse(text.substring(FDB_PREFIX.length())), text);
        }
        throw new IllegalArgumentException("\"" + text + "\" names no store: write rocksdb:DIR (a directory of this"
                + " machine), fdb:CLUSTER_FILE or memory: (gone when the server ends)");
    }

    /** What a command needs to use this store: nothing where it would anyway, else the option, for a shell. */
    default String option(Surroundings surroundings) {
        boolean isDefault = surroundings.variable(Main.STORE_VARIABLE).isEmpty()
                && surroundings.home().isAbsolute()
                && equals(parse(ROCKS_PREFIX, surroundings));
        return isDefault ? "" : " --store " + Attaching.quoted(Printable.of(toString()));
    }

    private static Path directory(String text, Surroundings surroundings) {
        try {
            if (text.isEmpty()) {
                return inHome(Path.of(surroundings.variable("XDG_STATE_HOME")), surroundings.home());
            }
            // A shell expands a tilde at the start of a word only, so this one arrives as it was written.
            return text.startsWith("~/")
                    ? surroundings.home().resolve(text.substring(2))
                    : Path.of(text).toAbsolutePath();
        } catch (InvalidPathException e) {
            throw new IllegalArgumentException("\"" + e.getInput() + "\" cannot be the name of a directory", e);
        }
    }

    // The directory for state that XDG names counts only if it is absolute.
    private static Path inHome(Path state, Path home) {
        Path base = state.isAbsolute() ? state : home.resolve(".local").resolve("state");
        if (!base.isAbsolute()) {
            throw new IllegalArgumentException(
                    "there is no home directory to keep volumes in: name another with rocksdb:DIR");
        }
        return base.resolve("fdb-nbd").resolve("rocksdb");
    }
}
