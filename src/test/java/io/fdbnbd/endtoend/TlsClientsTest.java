package io.fdbnbd.endtoend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fdbnbd.tls.TestAuthority;
import io.fdbnbd.tls.TestAuthority.Issued;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Other people's clients through TLS: with the right certificate, a wrong one, an old one, and none. */
@Timeout(300)
class TlsClientsTest {
    private static final String DISK = "disk";
    private static final long DISK_BYTES = 8 << 20;

    @TempDir
    static Path directory;

    private static TestAuthority authority;
    private static ServeProcess server;
    private static Path right;
    private static Path other;
    private static Path stranger;
    private static Path expired;
    private static Path none;

    @BeforeAll
    static void start() throws Exception {
        authority = TestAuthority.create(directory, "authority");
        TestAuthority strangers = TestAuthority.create(directory, "strangers");
        right = folder("right", rsa(authority, "1", "CN=right"));
        other = folder("other", rsa(authority, "2", "CN=other"));
        stranger = folder("stranger", rsa(strangers, "3", "CN=right"));
        expired =
                folder("expired", authority.issue("4", "CN=right", Instant.now().minus(Duration.ofDays(900)), "RSA"));
        none = folder("none", null);
        Issued own = authority.server("server");
        server = new ServeProcess(directory, "memory:").volume(DISK, "8M");
        server.start(
                "--tls-cert", own.certificate().toString(),
                "--tls-key", own.key().toString(),
                "--tls-ca", authority.certificate().toString(),
                "--tls-allow", "right");
    }

    @AfterAll
    static void stop() throws InterruptedException {
        server.requestEnd();
        server.awaitEnd(); // what it says of refused clients are exceptions' words, and no complaint
    }

    /** GnuTLS, which all clients here use, does not read the keys for curves that the JDK writes. */
    private static Issued rsa(TestAuthority authority, String fileName, String subject) throws Exception {
        return authority.issue(fileName, subject, Instant.now(), "RSA");
    }

    /** As libnbd and QEMU both expect it. */
    private static Path folder(String name, @Nullable Issued client) throws IOException {
        Path folder = Files.createDirectory(directory.resolve(name));
        Files.copy(authority.certificate(), folder.resolve("ca-cert.pem"));
        if (client != null) {
            Files.copy(client.certificate(), folder.resolve("client-cert.pem"));
            Files.copy(client.key(), folder.resolve("client-key.pem"));
        }
        return folder;
    }

    private static String tcp(Path certificates) {
        return "nbds://127.0.0.1:" + server.port() + "/" + DISK + "?tls-certificates=" + certificates;
    }

    private static String unix(Path certificates) {
        return "nbds+unix:///" + DISK + "?socket=" + server.socket() + "&tls-certificates=" + certificates;
    }

    private static String qemu() {
        return "driver=nbd,server.type=inet,server.host=127.0.0.1,server.port=" + server.port() + ",export=" + DISK
                + ",tls-creds=tls";
    }

    private static String qemuObject(Path certificates) {
        return "tls-creds-x509,id=tls,endpoint=client,dir=" + certificates;
    }

    @Test
    @Needs("nbdinfo")
    void nbdinfoIsServedWithTheRightCertificateOnly() {
        assertEquals(DISK_BYTES + "\n", Programs.run("nbdinfo", "--size", tcp(right)));
        assertEquals(DISK_BYTES + "\n", Programs.run("nbdinfo", "--size", unix(right)));
        for (Path wrong : new Path[] {other, stranger, expired, none}) {
            for (String uri : new String[] {tcp(wrong), unix(wrong)}) {
                Programs.Run run = Programs.tryRun("nbdinfo", "--size", uri);
                assertNotEquals(0, run.exitCode(), run::toString);
            }
        }
    }

    @Test
    @Needs("nbdinfo")
    void withoutTlsNothingIsToldNotEvenNames() {
        String address = "nbd://127.0.0.1:" + server.port();
        for (String[] words : new String[][] {{"--size", address + "/" + DISK}, {"--list", address}}) {
            Programs.Run run = Programs.tryRun("nbdinfo", (Object[]) words);
            assertNotEquals(0, run.exitCode(), run::toString);
            assertFalse(run.output().replace(address + "/" + DISK, "").contains("export=\"" + DISK), run::toString);
        }
    }

    @Test
    @Needs({"nbdcopy", "qemu-img", "qemu-io"})
    void whatNbdcopyWritesQemuReads() throws IOException {
        Path image = TestFiles.create(directory, DISK_BYTES, 7, 2);
        Programs.run("nbdcopy", "--flush", image, tcp(right));
        Path back = directory.resolve("back");
        Programs.run("qemu-img", "convert", "--object", qemuObject(right), "--image-opts", qemu(), "-O", "raw", back);
        assertEquals(-1, Files.mismatch(image, back));
        Programs.run(
                "qemu-io",
                "--object",
                qemuObject(right),
                "--image-opts",
                "-c",
                "write -P 5 4096 65536",
                "-c",
                "read -P 5 4096 65536",
                qemu());
        for (Path wrong : new Path[] {other, stranger, expired, none}) {
            Programs.Run run =
                    Programs.tryRun("qemu-img", "info", "--object", qemuObject(wrong), "--image-opts", qemu());
            assertNotEquals(0, run.exitCode(), run::toString);
        }
    }

    /** It knows TLS 1.2 only. Attaching needs a kernel; listing does not. */
    @Test
    @Needs("nbd-client")
    void nbdClientListsThroughTls() {
        String list = nbdClient(right).output();
        assertTrue(list.lines().anyMatch(line -> line.strip().equals(DISK)), list);
        assertFalse(
                nbdClient(other).output().lines().anyMatch(line -> line.strip().equals(DISK)));
        assertFalse(nbdClient(stranger)
                .output()
                .lines()
                .anyMatch(line -> line.strip().equals(DISK)));
        Programs.Run plain = Programs.tryRun("nbd-client", "-l", "127.0.0.1", server.port());
        assertFalse(plain.output().lines().anyMatch(line -> line.strip().equals(DISK)), plain::toString);
    }

    private static Programs.Run nbdClient(Path certificates) {
        return Programs.tryRun(
                "nbd-client",
                "-l",
                "127.0.0.1",
                server.port(),
                "-certfile",
                certificates.resolve("client-cert.pem"),
                "-keyfile",
                certificates.resolve("client-key.pem"),
                "-cacertfile",
                certificates.resolve("ca-cert.pem"),
                "-tlshostname",
                "localhost");
    }
}
