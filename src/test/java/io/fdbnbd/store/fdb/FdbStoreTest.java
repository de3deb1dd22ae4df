package io.fdbnbd.store.fdb;

import io.fdbnbd.store.Store;
import io.fdbnbd.store.StoreContract;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(FdbCluster.class)
class FdbStoreTest extends StoreContract {
    @Override
    protected Store openEmpty() throws Exception {
        return FdbCluster.shared().openStore();
    }
}
