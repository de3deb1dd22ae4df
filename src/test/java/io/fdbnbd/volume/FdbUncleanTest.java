package io.fdbnbd.volume;

import io.fdbnbd.store.Store;
import io.fdbnbd.store.fdb.FdbCluster;
import java.util.UUID;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(FdbCluster.class)
class FdbUncleanTest extends UncleanContract {
    private final String prefix = UUID.randomUUID() + "/";

    @Override
    Store openStore() throws Exception {
        return closer.register(FdbCluster.shared().openStore(prefix));
    }
}
