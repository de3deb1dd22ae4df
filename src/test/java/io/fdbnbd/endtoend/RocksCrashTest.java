package io.fdbnbd.endtoend;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.List;

class RocksCrashTest extends CrashContract {
    @Override
    String store(Path directory) {
        return "rocksdb:" + directory.resolve("store");
    }

    @Override
    String[] arguments() {
        return new String[0];
    }

    @Override
    void accept(ServeProcess running, List<String> volumes, String... arguments) {
        for (String volume : volumes) {
            String said = running.volumeCommand("recover", volume);
            assertTrue(said.contains("can be attached again; it was left unclean by the fdb-nbd server"), said);
        }
    }
}
