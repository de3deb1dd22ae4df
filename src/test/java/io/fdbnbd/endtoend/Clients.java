package io.fdbnbd.endtoend;

import io.fdbnbd.volume.AckMode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** Every client that people use, against one store: each store is a class, each client an interface full of tests. */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class Clients
        implements NbdinfoSuite, NbdshSuite, NbdcopySuite, QemuSuite, NewerQemuSuite, FioSuite, SparseSuite {
    private final String ack;

    @SuppressWarnings("NullAway.Init")
    private Path directory;

    @SuppressWarnings("NullAway.Init")
    private ServeProcess server;

    Clients(AckMode ack) {
        this.ack = ack.name().toLowerCase(Locale.ROOT);
    }

    /** As {@code --store} takes it. */
    abstract String store(Path ownDirectory) throws IOException;

    @BeforeAll
    void serve(@TempDir Path ownDirectory) throws IOException {
        directory = ownDirectory;
        server = new ServeProcess(directory, store(directory)).with("--ack", ack);
        for (String volume : new String[] {INFO, COPY, QEMU, FIO}) {
            server.volume(volume, Long.toString(DISK_BYTES));
        }
        server.volume(ODD, Long.toString(ODD_BYTES)).volume(HUGE, Long.toString(HUGE_BYTES));
        server.volume(SPARSE, Long.toString(HUGE_BYTES));
        server.start();
    }

    /** Whatever its clients did, the server ends well and never had anything to complain of. */
    @AfterAll
    void stop() throws InterruptedException {
        try (ServeProcess served = server) {
            served.stop();
        }
    }

    @Override
    public ServeProcess server() {
        return server;
    }

    @Override
    public Path directory() {
        return directory;
    }
}
