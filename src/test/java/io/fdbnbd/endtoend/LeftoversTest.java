package io.fdbnbd.endtoend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fdbnbd.server.NbdTestClient;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What clients made the server open or start does not outlive them. */
@Tag("slow")
class LeftoversTest {
    private static final int VOLUMES = 8;
    private static final int CLIENTS = 40;
    private static final int ROUNDS = 5;
    private static final int SETTLED_SECONDS_MAX = 180;

    /** The JVM's own threads come and go as it pleases, and its carriers of virtual threads stay for a while. */
    private static final String OF_THE_JVM =
            "(java|G1 .*|GC .*|VM .*|C1 .*|C2 .*|Common-Cleaner|ForkJoinPool.*|.*-unpark.*"
                    + "|.*-unblock.*|.*Poller.*|Signal .*|Finalizer|Reference .*|Attach .*|Monitor .*|Notification .*"
                    + "|Service .*|Sweeper.*|)";

    /** The pool of a RocksDB store: of these it keeps as many as it lately had calls at once, whoever made them. */
    private static final String OF_THE_POOL = "rocks-io-([0-9]|1[0-5])";

    @Test
    void threadsAndFilesOfClientsEndWithThem(@TempDir Path directory) throws Exception {
        try (ServeProcess server = ServeProcess.onRocks(directory)) {
            for (int i = 0; i < VOLUMES; i++) {
                server.volume("disk" + i, "1G");
            }
            server.start();
            Random random = new Random(1);
            // The first clients make the server start what it keeps.
            serve(server, random);
            Footprint before = settled(server);
            for (int round = 0; round < ROUNDS; round++) {
                serve(server, random);
            }
            Footprint after = settled(server);
            assertEquals(before.sockets(), after.sockets());
            assertEquals(ours(before), ours(after));
            server.stop();
        }
    }

    private static void serve(ServeProcess server, Random random) throws IOException {
        List<NbdTestClient> clients = new ArrayList<>();
        for (int i = 0; i < CLIENTS; i++) {
            String volume = "disk" + i % VOLUMES;
            clients.add(NbdTestClient.attach(i % 2 == 0 ? server.tcp() : server.unix(), volume));
        }
        for (NbdTestClient client : clients) {
            for (int i = 0; i < 4; i++) {
                long offset = random.nextInt(1 << 29);
                byte[] data = new byte[1 + random.nextInt(1 << 16)];
                assertEquals(0, client.write(offset, data));
                assertEquals(0, client.flush());
                client.read(offset, data.length);
            }
        }
        assertTrue(ours(server.footprint()).stream().anyMatch(name -> name.startsWith("commit-disk")));
        for (NbdTestClient client : clients) {
            // Some say goodbye, others are just gone.
            if (random.nextBoolean()) {
                client.disconnect();
            }
            client.close();
        }
    }

    /** The footprint once no volume is open. */
    private static Footprint settled(ServeProcess server) {
        boolean gone = server.await(SETTLED_SECONDS_MAX, () -> {
            Footprint now = server.footprint();
            return now.threads().stream().noneMatch(name -> name.startsWith("commit-"));
        });
        assertTrue(gone, () -> server.footprint() + "\n" + server.log());
        return server.footprint();
    }

    private static List<String> ours(Footprint footprint) {
        return footprint.threads().stream()
                .filter(name -> !name.matches(OF_THE_JVM) && !name.matches(OF_THE_POOL))
                .sorted()
                .toList();
    }
}
