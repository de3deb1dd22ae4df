package io.fdbnbd.volume;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** This process, as people look for it. */
final class Holder {

    private static final Path HOST_NAME = Path.of("/proc/sys/kernel/hostname");

    private Holder() {}

    static String thisProcess() {
        return "the fdb-nbd server with process id " + ProcessHandle.current().pid() + " on " + hostName();
    }

    private static String hostName() {
        try {
            // Not by the resolver, which may take its time.
            return Files.readString(HOST_NAME).strip();
        } catch (IOException e) {
            // Not Linux: the process id still says something.
            return "a host without a name";
        }
    }
}
