package io.fdbnbd.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The latency log of real servers. */
@Timeout(120)
class LatencyLogOptionTest {

    @TempDir
    private Path temp;

    private ServerProcess serve(Path log, String interval) throws IOException {
        return ServerProcess.start(
                "--store",
                "memory:",
                "--listen",
                "127.0.0.1:0",
                "--create",
                "disk:1M",
                "--latency-log",
                log.toString(),
                "--interval",
                interval);
    }

    @Test
    void theEndOfTheServerIsInTheLog() throws Exception {
        Path log = temp.resolve("end.hlog");
        try (ServerProcess server = serve(log, "1h")) {
            try (TinyNbdClient client = new TinyNbdClient(server.address(), "disk")) {
                client.write(0, new byte[4096]);
                server.signal("TERM");
                assertEquals(0, server.exitCode(), server.log());
            }
        }
        String text = Files.readString(log);
        assertTrue(text.contains("Tag=disk/write,"), text);
        assertTrue(text.contains("Tag=disk/write_commit,"), text);
    }

    @Test
    void aKillLosesOneIntervalAtMost() throws Exception {
        Path log = temp.resolve("kill.hlog");
        try (ServerProcess server = serve(log, "100ms");
                TinyNbdClient client = new TinyNbdClient(server.address(), "disk")) {
            client.write(0, new byte[4096]);
            while (!Files.readString(log).contains("Tag=disk/write,")) {
                Thread.onSpinWait();
            }
            server.signal("KILL");
            assertEquals(128 + 9, server.exitCode());
        }
        String text = Files.readString(log);
        assertTrue(text.contains("Tag=disk/write,"), text);
        assertTrue(text.endsWith("\n"), text);
    }

    @Test
    void anIntervalThatIsNoneIsRefused() {
        assertEquals(
                "in --interval: an interval is between 100ms and 1h, and not 5ms",
                CommandRun.of("serve", "--store", "memory:", "--latency-log", "x", "--interval", "5ms")
                        .refused());
    }
}
