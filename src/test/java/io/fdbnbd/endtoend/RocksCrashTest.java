package io.fdbnbd.endtoend;

import java.nio.file.Path;

class RocksCrashTest extends CrashContract {
    @Override
    String store(Path directory) {
        return "rocksdb:" + directory.resolve("store");
    }

    @Override
    String[] arguments() {
        return new String[0];
    }
}
