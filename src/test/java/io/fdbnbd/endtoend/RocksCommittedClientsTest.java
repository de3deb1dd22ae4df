package io.fdbnbd.endtoend;

import io.fdbnbd.volume.AckMode;
import java.nio.file.Path;

class RocksCommittedClientsTest extends Clients {
    RocksCommittedClientsTest() {
        super(AckMode.COMMITTED);
    }

    @Override
    String store(Path ownDirectory) {
        return "rocksdb:" + ownDirectory.resolve("store");
    }
}
