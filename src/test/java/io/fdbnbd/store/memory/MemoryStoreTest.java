package io.fdbnbd.store.memory;

import io.fdbnbd.store.Store;
import io.fdbnbd.store.StoreContract;

class MemoryStoreTest extends StoreContract {
    @Override
    protected Store openEmpty() {
        return new MemoryStore();
    }
}
