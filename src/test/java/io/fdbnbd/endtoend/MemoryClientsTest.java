package io.fdbnbd.endtoend;

import io.fdbnbd.volume.AckMode;
import java.nio.file.Path;

class MemoryClientsTest extends Clients {
    MemoryClientsTest() {
        super(AckMode.BUFFERED);
    }

    @Override
    String store(Path ownDirectory) {
        return "memory:";
    }
}
