package io.fdbnbd.endtoend;

import io.fdbnbd.volume.AckMode;
import java.nio.file.Path;

class RocksClientsTest extends Clients {
    RocksClientsTest() {
        super(AckMode.BUFFERED);
    }

    @Override
    String store(Path ownDirectory) {
        return "rocksdb:" + ownDirectory.resolve("store");
    }
}
