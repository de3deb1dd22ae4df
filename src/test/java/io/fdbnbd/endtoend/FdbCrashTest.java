package io.fdbnbd.endtoend;

import io.fdbnbd.store.fdb.FdbCluster;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.extension.ExtendWith;

/** Here commits of the dead may still be on their way when the next server takes over. */
@ExtendWith(FdbCluster.class)
class FdbCrashTest extends CrashContract {
    @Override
    String store(Path directory) throws IOException {
        return FdbStores.fresh();
    }

    @Override
    String[] arguments() {
        return new String[] {"--take-over"};
    }
}
