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
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
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
    private static final String HUGE = "huge";
    private static final long HUGE_BYTES = 1L << 40;
    private static final long DATA = HUGE_BYTES / 2;
    private static final int DATA_BYTES = 1 << 20;

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
        server = new ServeProcess(directory, "memory:").volume(DISK, "8M").volume(HUGE, "1T");
        server.start(
                "--tls-cert", own.certificate().toString(),
                "--tls-key", own.key().toString(),
                "--tls-ca", authority.certificate().toString(),
                "--tls-allow", "right");
    }

    @AfterAll
    static void stop() throws InterruptedException {
        server.stop();
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

    private static Path[] wrong() {
        return new Path[] {other, stranger, expired, none};
    }

    private static String tcp(String volume, Path certificates) {
        return "nbds://127.0.0.1:" + server.port() + "/" + volume + "?tls-certificates=" + certificates;
    }

    private static String unix(String volume, Path certificates) {
        return "nbds+unix:///" + volume + "?socket=" + server.socket() + "&tls-certificates=" + certificates;
    }

    private static String qemu(String volume) {
        return "driver=nbd,server.type=inet,server.host=127.0.0.1,server.port=" + server.port() + ",export=" + volume
                + ",tls-creds=tls";
    }

    /** @param words the command of {@code program}, and what follows the certificates */
    private static Programs.Run qemu(String program, String command, Path certificates, Object... words) {
        List<Object> arguments = new ArrayList<>(command.isEmpty() ? List.of() : List.of(command));
        arguments.addAll(List.of("--object", "tls-creds-x509,id=tls,endpoint=client,dir=" + certificates));
        arguments.add("--image-opts");
        arguments.addAll(List.of(words));
        return Programs.tryRun(program, arguments.toArray());
    }

    private static void works(Programs.Run run) {
        assertEquals(0, run.exitCode(), run::toString);
    }

    private static void isRefused(Programs.Run run) {
        assertNotEquals(0, run.exitCode(), run::toString);
    }

    @Test
    @Needs("nbdinfo")
    void nbdinfoIsServedWithTheRightCertificateOnly() {
        assertEquals(DISK_BYTES + "\n", Programs.run("nbdinfo", "--size", tcp(DISK, right)));
        assertEquals(DISK_BYTES + "\n", Programs.run("nbdinfo", "--size", unix(DISK, right)));
        for (Path wrong : wrong()) {
            isRefused(Programs.tryRun("nbdinfo", "--size", tcp(DISK, wrong)));
            isRefused(Programs.tryRun("nbdinfo", "--size", unix(DISK, wrong)));
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

    /** All that was negotiated before is forgotten, so a client that gets it has negotiated it behind the TLS. */
    @Test
    @Needs("nbdsh")
    void nbdshNegotiatesEverythingBehindTheTls() {
        Programs.nbdsh("""
                import errno, nbd
                for uri in '$TCP', '$UNIX':
                    o = nbd.NBD()
                    o.set_opt_mode(True)
                    o.set_uri_allow_local_file(True)
                    o.connect_uri(uri)
                    assert o.get_tls_negotiated() and o.get_structured_replies_negotiated()
                    listed = []
                    o.opt_list(lambda name, description: listed.append(name))
                    assert sorted(listed) == ['disk', 'huge'], listed
                    o.opt_list_meta_context(listed.append)
                    assert nbd.CONTEXT_BASE_ALLOCATION in listed
                    o.add_meta_context(nbd.CONTEXT_BASE_ALLOCATION)
                    o.opt_info()
                    o.opt_go()
                    assert o.can_meta_context(nbd.CONTEXT_BASE_ALLOCATION) and o.can_df()
                    o.pwrite(b'secret', 12345)
                    assert o.pread(6, 12345) == b'secret'
                    o.shutdown()
                for uri in $WRONG:
                    o = nbd.NBD()
                    o.set_opt_mode(True)
                    o.set_uri_allow_local_file(True)
                    try:
                        o.connect_uri(uri)
                        o.opt_go()
                    except nbd.Error:
                        assert not o.aio_is_ready()
                        continue
                    raise AssertionError(uri)
                """.replace("$TCP", tcp(DISK, right)).replace("$UNIX", unix(DISK, right)).replace(
                "$WRONG",
                Stream.of(wrong())
                        .map(wrong -> "'" + tcp(DISK, wrong) + "'")
                        .toList()
                        .toString()));
    }

    @Test
    @Needs({"nbdcopy", "qemu-img", "qemu-io"})
    void whatNbdcopyWritesQemuReads() throws IOException {
        Path image = TestFiles.create(directory, DISK_BYTES, 7, 2);
        Programs.run("nbdcopy", "--flush", image, tcp(DISK, right));
        Path back = directory.resolve("back");
        works(qemu("qemu-img", "convert", right, qemu(DISK), "-O", "raw", back));
        assertEquals(-1, Files.mismatch(image, back));
        works(qemu("qemu-io", "", right, "-c", "write -P 5 4096 64k", "-c", "read -P 5 4096 64k", qemu(DISK)));
        for (Path wrong : wrong()) {
            isRefused(qemu("qemu-img", "info", wrong, qemu(DISK)));
            isRefused(qemu("qemu-img", "map", wrong, qemu(DISK)));
            isRefused(qemu("qemu-img", "convert", wrong, qemu(DISK), "-O", "raw", directory.resolve("never")));
            isRefused(Programs.tryRun("nbdcopy", image, tcp(DISK, wrong)));
        }
        assertFalse(Files.exists(directory.resolve("never")));
    }

    @Test
    @Needs({"nbdinfo", "nbdcopy", "qemu-img", "qemu-io"})
    void aSparseTebibyteIsMappedAndCopiedThroughTls() throws IOException {
        works(qemu("qemu-io", "", right, "-c", "write -P 9 " + DATA + " " + DATA_BYTES, "-c", "flush", qemu(HUGE)));
        String map = Programs.run("nbdinfo", "--map", tcp(HUGE, right));
        assertEquals(3, map.strip().lines().count(), map);
        String json = Programs.run("nbdinfo", "--json", unix(HUGE, right));
        assertTrue(json.contains("\"TLS\": true") && json.contains("\"base:allocation\""), json);
        Programs.Run mapped = qemu("qemu-img", "map", right, "--output=json", qemu(HUGE));
        works(mapped);
        String data = "\"start\": " + DATA + ", \"length\": " + DATA_BYTES;
        assertTrue(mapped.output().contains(data), mapped::toString);
        Path file = directory.resolve("huge.raw");
        Programs.run("nbdcopy", tcp(HUGE, right), file);
        works(qemu("qemu-img", "compare", right, "driver=raw,file.filename=" + file, qemu(HUGE)));
        Files.delete(file);
    }

    @Test
    @Needs({"qemu-img-10", "qemu-io-10"})
    void newerQemuHasExtendedHeadersThroughTls() {
        works(qemu("qemu-io-10", "", right, "-c", "write -P 9 " + DATA + " " + DATA_BYTES, "-c", "flush", qemu(HUGE)));
        works(qemu("qemu-img-10", "map", right, "--output=json", qemu(HUGE)));
        String attached = "volume 'huge': attached to \\S+ from \\S+ \\(right\\), extended headers";
        assertTrue(Pattern.compile(attached).matcher(server.log()).find(), server::log);
        for (Path wrong : wrong()) {
            isRefused(qemu("qemu-img-10", "map", wrong, qemu(HUGE)));
        }
    }

    /** It knows TLS 1.2 only. Attaching needs a kernel; listing does not. */
    @Test
    @Needs("nbd-client")
    void nbdClientListsThroughTls() {
        assertTrue(isListed(nbdClient(identity(right))));
        for (Path wrong : new Path[] {other, stranger, expired}) {
            assertFalse(isListed(nbdClient(identity(wrong))), wrong.toString());
        }
        assertFalse(isListed(nbdClient("-cacertfile", none.resolve("ca-cert.pem"))));
        assertFalse(isListed(nbdClient()));
    }

    private static boolean isListed(Programs.Run run) {
        return run.output().lines().anyMatch(line -> line.strip().equals(DISK));
    }

    private static Programs.Run nbdClient(Object... tls) {
        List<Object> arguments = new ArrayList<>(List.of("-l", "127.0.0.1", server.port()));
        arguments.addAll(List.of(tls));
        return Programs.tryRun("nbd-client", arguments.toArray());
    }

    private static Object[] identity(Path certificates) {
        return new Object[] {
            "-certfile", certificates.resolve("client-cert.pem"),
            "-keyfile", certificates.resolve("client-key.pem"),
            "-cacertfile", certificates.resolve("ca-cert.pem"),
            "-tlshostname", "localhost"
        };
    }
}
