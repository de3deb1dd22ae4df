package io.fdbnbd.endtoend;

import io.fdbnbd.store.fdb.FdbCluster;
import io.fdbnbd.volume.AckMode;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(FdbCluster.class)
class FdbClientsTest extends Clients {
    FdbClientsTest() {
        super(AckMode.BUFFERED);
    }

    @Override
    String store(Path ownDirectory) throws IOException {
        return FdbStores.fresh();
    }
}
