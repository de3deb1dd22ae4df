package io.fdbnbd.endtoend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fdbnbd.server.NbdTestClient;
import io.fdbnbd.tls.TestAuthority;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A real kernel puts filesystems on our volumes. It is emulated, and slow. */
@Tag("slow")
@Tag("vm")
@ExtendWith(VirtualMachine.class)
class KernelTest {
    private static final int FSYNCED_MIN = 20;
    private static final int FSYNCED_SECONDS_MAX = 600;

    @TempDir
    @SuppressWarnings("NullAway.Init")
    private Path directory;

    @BeforeAll
    static void install() {
        VirtualMachine.install();
    }

    @Test
    void filesystemsAreWholeAfterTheServerWasStartedAgain() throws Exception {
        String[] filesystems = {"ext4:a", "xfs:b", "btrfs:c"};
        try (ServeProcess server = ServeProcess.onRocks(directory)) {
            server.volume("a", "1G").volume("b", "1G").volume("c", "1G").start();
            List<String> written = trees(VirtualMachine.run(server, "filesystem-write", filesystems));
            server.stop();
            server.start();
            List<String> found = trees(VirtualMachine.run(server, "filesystem-verify", filesystems));
            server.stop();
            assertEquals(filesystems.length, written.size(), written::toString);
            assertEquals(written, found);
        }
    }

    /** nbd-client hands the kernel a socket of its own, and encrypts what comes through it. */
    @Test
    void aFilesystemIsWholeBehindTls() throws Exception {
        TestAuthority authority = TestAuthority.create(directory, "authority");
        TestAuthority.Issued own = authority.server("server");
        TestAuthority.Issued client = authority.issue("client", "CN=guest", Instant.now(), "RSA");
        try (ServeProcess server = ServeProcess.onRocks(directory)) {
            server.volume("a", "1G")
                    .start(
                            "--tls-cert", own.certificate().toString(),
                            "--tls-key", own.key().toString(),
                            "--tls-ca", authority.certificate().toString(),
                            "--tls-allow", "guest");
            String output = VirtualMachine.run(
                    server,
                    "filesystem-tls",
                    "a",
                    Files.readString(client.certificate()),
                    Files.readString(client.key()),
                    Files.readString(authority.certificate()));
            server.requestEnd();
            server.awaitEnd(); // it has complained of the client without a certificate
            assertTrue(output.contains("refused without a certificate"), output);
            assertTrue(output.contains("ext4 is clean"), output);
        }
    }

    private static List<String> trees(String output) {
        return output.lines().filter(line -> line.startsWith("=== tree")).toList();
    }

    /** As a database does that appends to its log; the kernel's own journal takes the data too, or only the metadata. */
    @ParameterizedTest
    @ValueSource(strings = {"data=ordered", "data=journal"})
    void whatAFilesystemHasSyncedIsThereAfterKill9(String options) throws Exception {
        try (ServeProcess server = ServeProcess.onRocks(directory)) {
            server.volume("a", "1G").start();
            VirtualMachine.Running guest =
                    VirtualMachine.start(server, directory.resolve("guest.log"), "crash-loop", "a", options);
            try {
                boolean synced =
                        server.await(FSYNCED_SECONDS_MAX, () -> lastNumber(guest.said(), "fsynced") >= FSYNCED_MIN);
                assertTrue(synced, () -> guest.said() + "\nthe server said:\n" + server.log());
                server.kill();
                server.awaitKilled();
            } finally {
                guest.powerOff();
            }
            int promised = lastNumber(guest.said(), "fsynced");
            server.start();
            String sentence = NbdTestClient.refusalOf(server.tcp(), "a");
            assertTrue(sentence.contains("`fdb-nbd volume recover 'a'`"), sentence);
            server.volumeCommand("recover", "a");
            int found = lastNumber(VirtualMachine.run(server, "crash-check", "a"), "contiguous");
            server.requestEnd();
            server.awaitEnd();
            assertTrue(found >= promised, () -> promised + " records were synced, " + found + " are there");
        }
    }

    private static int lastNumber(String output, String word) {
        // Up to the end of the line: one that is being printed may not have all its digits yet.
        return Pattern.compile("^" + word + " ([0-9]+)\n", Pattern.MULTILINE)
                .matcher(output)
                .results()
                .mapToInt(match -> Integer.parseInt(match.group(1)))
                .reduce(0, (first, second) -> second);
    }

    @Test
    void aTebibyteCanBeFormatted() throws Exception {
        VirtualMachine.formatATebibyte(ServeProcess.onRocks(directory));
    }
}
