package io.fdbnbd.store.memory;

import io.fdbnbd.store.Store;
import io.fdbnbd.store.StoreContractUnderLoad;

class MemoryStoreTest extends StoreContractUnderLoad {
    @Override
    protected Store openEmpty() {
        return new MemoryStore();
    }
}
