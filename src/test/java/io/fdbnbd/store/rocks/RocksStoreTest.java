package io.fdbnbd.store.rocks;

import io.fdbnbd.store.Store;
import io.fdbnbd.store.StoreContract;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;

class RocksStoreTest extends StoreContract {
    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path directory;

    @Override
    protected Store openEmpty() throws Exception {
        return RocksStore.open(directory.resolve("store"));
    }
}
