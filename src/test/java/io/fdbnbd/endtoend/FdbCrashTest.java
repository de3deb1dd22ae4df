package io.fdbnbd.endtoend;

import io.fdbnbd.store.fdb.FdbCluster;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
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

    /** A command of its own would wait until the dead server's lease has run out. */
    @Override
    void accept(ServeProcess running, List<String> volumes, String... arguments) throws Exception {
        running.requestEnd();
        running.awaitEnd();
        List<String> all = new ArrayList<>(List.of(arguments));
        all.add("--on-unclean=accept");
        running.start(all.toArray(String[]::new));
    }
}
