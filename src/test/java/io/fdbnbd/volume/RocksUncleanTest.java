package io.fdbnbd.volume;

import io.fdbnbd.store.Store;
import io.fdbnbd.store.rocks.RocksStore;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.io.TempDir;

/** One process holds the directory, so that all servers are in it. */
class RocksUncleanTest extends UncleanContract {
    @TempDir
    @SuppressWarnings("NullAway.Init")
    private Path directory;

    private @Nullable RocksStore store;

    @Override
    Store openStore() throws Exception {
        RocksStore open = store;
        if (open == null) {
            open = closer.register(RocksStore.open(directory.resolve("store")));
            store = open;
        }
        return open;
    }
}
