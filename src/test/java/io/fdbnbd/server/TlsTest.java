package io.fdbnbd.server;

import static io.fdbnbd.server.NbdTestClient.bytes;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fdbnbd.KeptLinesWriter;
import io.fdbnbd.nbd.Nbd;
import io.fdbnbd.tls.AuthorityFixture;
import io.fdbnbd.tls.TestAuthority;
import io.fdbnbd.tls.TestAuthority.Issued;
import io.fdbnbd.volume.AckMode;
import io.fdbnbd.volume.Compression;
import io.fdbnbd.volume.VolumeSpec;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSession;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A server with TLS and clients that are let in, or are not. */
@Timeout(60)
class TlsTest extends AuthorityFixture {
    private static final int MIB = 1 << 20;

    /** One that serves whoever talks TLS. */
    private ServerFixture server() throws Exception {
        Access.Tls tls = new Access.Tls(true, authority.server("server").context());
        return serving(Access.OPEN.withTls(tls));
    }

    /** One that serves whoever has a certificate of {@code clients}. */
    private ServerFixture serverFor(TestAuthority clients, String... grants) throws Exception {
        Access.Tls tls = new Access.Tls(true, authority.server("server").contextAskingFor(clients));
        return serving(Access.OPEN
                .withTls(tls)
                .withGrants(List.of(grants).stream().map(Access.Grant::parse).toList()));
    }

    private static ServerFixture serving(Access access) throws Exception {
        return new ServerFixture(AckMode.BUFFERED, options -> options.withAccess(access));
    }

    @ParameterizedTest
    @ValueSource(strings = {"TLSv1.2", "TLSv1.3"})
    void aVolumeIsServedThroughEitherVersion(String version) throws Exception {
        try (ServerFixture fixture = server()) {
            NbdTestClient client = fixture.connect();
            client.greet();
            SSLSession session = client.startTls(authority.trusting(), version);
            assertEquals(version, session.getProtocol());
            assertEquals(Nbd.REP_ACK, client.go(ServerFixture.DISK));
            assertEquals(0, client.write(5000, bytes(3 * MIB, 7)));
            assertArrayEquals(bytes(3 * MIB, 7), client.read(5000, 3 * MIB));
            assertEquals(0, client.flush());
            client.disconnect();
            assertTrue(client.ended());
        }
    }

    @Test
    void allEndsTellTheClientThatNothingFollows() throws Exception {
        try (ServerFixture fixture = server()) {
            NbdTestClient client = fixture.attachSecurely(authority.trusting());
            client.disconnect();
            // Through TLS this is the end of the stream only if it was announced; else it is an exception.
            assertThrows(EOFException.class, client::reply);
            NbdTestClient aborting = fixture.connect();
            aborting.greet();
            aborting.startTls(authority.trusting());
            aborting.sendOption(Nbd.OPT_ABORT, new byte[0]);
            assertEquals(Nbd.REP_ACK, aborting.optionReply(Nbd.OPT_ABORT));
            assertThrows(EOFException.class, aborting::reply);
        }
    }

    /** A ClientHello as TLS 1.1 has it: the newest version that the client knows is 3.2. */
    @Test
    void anOlderVersionIsRefused() throws Exception {
        byte[] hello = new byte[43 + 2 + 2 + 4];
        ByteBuffer.wrap(hello)
                .put((byte) 1)
                .put((byte) 0)
                .putShort((short) (hello.length - 4))
                .putShort((short) 0x302);
        ByteBuffer.wrap(hello, 39, 8)
                .putShort((short) 4)
                .putShort((short) 0xc013)
                .putShort((short) 0x2f)
                .putShort((short) 0x100);
        ByteBuffer record = ByteBuffer.allocate(5 + 47)
                .put((byte) 22)
                .putShort((short) 0x301)
                .putShort((short) 47)
                .put(hello, 0, 47);
        record.put(8, (byte) 43);
        try (ServerFixture fixture = server()) {
            NbdTestClient client = startingTls(fixture);
            client.send(record);
            byte[] alert = client.data(7);
            assertEquals(21, alert[0], "an alert");
            assertEquals(70, alert[6], "about the version");
            assertTrue(client.ended());
        }
    }

    @Test
    void whatIsInTheClearBehindTheAnswerEndsTheConnectionAndNoOther() throws Exception {
        try (ServerFixture fixture = server()) {
            NbdTestClient served = fixture.attachSecurely(authority.trusting());
            NbdTestClient client = startingTls(fixture);
            client.sendOption(Nbd.OPT_ABORT, new byte[0]);
            assertNotEquals(0, drain(client), "an alert of TLS, and no reply to an option");
            assertEquals(0, served.write(0, bytes(512, 1)));
        }
    }

    /** The library would rather fail with an exception of its own. */
    @Test
    void aRecordLongerThanAnyIsTheClientsFault() throws Exception {
        try (ServerFixture fixture = server()) {
            NbdTestClient client = startingTls(fixture);
            client.send(ByteBuffer.allocate(20_000)
                    .put(new byte[] {22, 3, 1, (byte) 0x7f, 0})
                    .position(20_000));
            drain(client);
            fixture.attachSecurely(authority.trusting());
        }
    }

    @Test
    void theDeadlineOfTheHandshakeCoversTls() throws Exception {
        try (ServerFixture fixture = server()) {
            NbdTestClient silent = startingTls(fixture);
            fixture.ticker.advance(ServerOptions.HANDSHAKE_DEADLINE_DEFAULT.plusNanos(1));
            fixture.server.checkDeadlines();
            assertTrue(silent.ended());
        }
    }

    @Test
    void theStopOfTheServerEndsAHandshakeOfTls() throws Exception {
        NbdTestClient silent;
        try (ServerFixture fixture = server()) {
            silent = startingTls(fixture);
            fixture.server.close();
            assertTrue(silent.ended());
        }
    }

    @Test
    void renegotiationIsRefused() throws Exception {
        try (ServerFixture fixture = server()) {
            NbdTestClient client = fixture.connect();
            client.greet();
            client.startTls(authority.trusting(), "TLSv1.2");
            assertEquals(Nbd.REP_ACK, client.go(ServerFixture.DISK));
            assertThrows(IOException.class, () -> {
                client.renegotiate();
                client.flush();
            });
            fixture.attachSecurely(authority.trusting());
        }
    }

    @Test
    void onlyACertificateOfTheAuthorityOpensTheDoor() throws Exception {
        TestAuthority clients = TestAuthority.create(folder, "clients");
        TestAuthority strangers = TestAuthority.create(folder, "strangers");
        Instant longAgo = Instant.now().minus(Duration.ofDays(1000));
        Issued friend = clients.client("friend", "CN=friend");
        Issued stranger = strangers.client("stranger", "CN=friend");
        Issued expired = clients.issue("expired", "CN=friend", longAgo, "EC");
        Issued sameAuthorityAsTheServer = authority.client("other", "CN=friend");
        try (ServerFixture fixture = serverFor(clients)) {
            fixture.attachSecurely(authority.trustingAs(friend));
            assertRefused(fixture, authority.trusting());
            assertRefused(fixture, authority.trustingAs(stranger));
            assertRefused(fixture, authority.trustingAs(expired));
            assertRefused(fixture, authority.trustingAs(sameAuthorityAsTheServer));
            fixture.attachSecurely(authority.trustingAs(friend));
        }
    }

    @Test
    void eachClientSeesTheVolumesThatItIsAllowed() throws Exception {
        try (ServerFixture fixture =
                serverFor(authority, "admin@example.org", "disk=CN=a,O=b", "other=c.example.org")) {
            fixture.volumes.catalog().create(new VolumeSpec("other", MIB, 4096, Compression.NONE));
            SSLContext admin = authority.trustingAs(authority.client("1", "CN=x", "admin@example.org"));
            SSLContext disk = authority.trustingAs(authority.client("2", "O=b,CN=a"));
            SSLContext other = authority.trustingAs(authority.client("3", "CN=y", "d.example.org", "c.example.org"));
            SSLContext none = authority.trustingAs(authority.client("4", "CN=other"));
            assertEquals(2, names(fixture, admin));
            assertEquals(1, names(fixture, disk));
            assertEquals(1, names(fixture, other));
            assertEquals(0, names(fixture, none));
            assertEquals(Nbd.REP_ACK, go(fixture, admin, "other"));
            assertEquals(Nbd.REP_ACK, go(fixture, disk, "disk"));
            assertEquals(Nbd.REP_ERR_POLICY, go(fixture, disk, "other"));
            assertEquals(Nbd.REP_ERR_POLICY, go(fixture, disk, "missing"), "it does not learn what there is");
            assertEquals(Nbd.REP_ERR_POLICY, info(fixture, disk, "other"));
            assertEquals(Nbd.REP_ERR_POLICY, info(fixture, disk, "missing"));
            assertEquals(Nbd.REP_ACK, go(fixture, other, ""), "its only volume");
            assertEquals(Nbd.REP_ERR_UNKNOWN, go(fixture, none, ""));
            assertEquals(Nbd.REP_ERR_POLICY, go(fixture, none, "disk"));
        }
    }

    @Test
    void aNewAuthorityIsUsedWithoutARestart() throws Exception {
        TestAuthority before = TestAuthority.create(folder, "before");
        TestAuthority after = TestAuthority.create(folder, "after");
        SSLContext old = authority.trustingAs(before.client("old", "CN=friend"));
        SSLContext fresh = authority.trustingAs(after.client("fresh", "CN=friend"));
        try (ServerFixture fixture = serverFor(before)) {
            fixture.attachSecurely(old);
            assertRefused(fixture, fresh);
            Files.move(after.certificate(), before.certificate(), StandardCopyOption.REPLACE_EXISTING);
            fixture.attachSecurely(fresh);
            assertRefused(fixture, old);
        }
    }

    /** Clients show little of what they are told; it is the log where the reason is looked for. */
    @Test
    void whoGetsNoVolumeIsInTheLogWithTheReason() throws Exception {
        KeptLinesWriter.forget();
        TestAuthority strangers = TestAuthority.create(folder, "strangers");
        Instant longAgo = Instant.now().minus(Duration.ofDays(1000));
        Issued expired = authority.issue("expired", "CN=late", longAgo, "EC");
        try (ServerFixture fixture = serverFor(authority, "disk=friend")) {
            assertRefused(fixture, authority.trustingAs(strangers.client("stranger", "CN=odd\u202e\u0007name")));
            assertRefused(fixture, authority.trustingAs(expired));
            try (NbdTestClient inTheClear = fixture.connect()) {
                inTheClear.greet();
                assertEquals(Nbd.REP_ERR_TLS_REQD, inTheClear.go("disk"));
            }
            SSLContext other = authority.trustingAs(authority.client("other", "CN=other"));
            try (NbdTestClient refused = haggling(fixture, other)) {
                assertEquals(Nbd.REP_ERR_POLICY, refused.go("a\nb\u202ec" + "d".repeat(4000)));
            }
        }
        for (String reason : List.of(
                "certificate of somebody without a name was issued by CN=strangers, which no authority of --tls-ca",
                "the certificate of late expired at "
                        + expired.x509().getNotAfter().toInstant(),
                "got no volume: TLS is required here: begin with STARTTLS",
                "(other) got no volume: the certificate of other is not allowed to volume 'a\\u000ab\\u202ecddd")) {
            assertTrue(KeptLinesWriter.has(reason), reason);
        }
        assertFalse(KeptLinesWriter.has("d".repeat(1000)));
    }

    @Test
    void whoseCertificateHasNoNameThatCanBeShownIsAllowedNothing() throws Exception {
        try (ServerFixture fixture = serverFor(authority, "friend")) {
            SSLContext nameless = authority.trustingAs(authority.client("nameless", "CN=fri\u0007end"));
            assertEquals(Nbd.REP_ERR_POLICY, go(fixture, nameless, "disk"));
            assertEquals(0, names(fixture, nameless));
        }
    }

    private static int names(ServerFixture fixture, SSLContext context) throws Exception {
        NbdTestClient client = haggling(fixture, context);
        client.sendOption(Nbd.OPT_LIST, new byte[0]);
        int names = 0;
        while (client.optionReply(Nbd.OPT_LIST) == Nbd.REP_SERVER) {
            names++;
        }
        return names;
    }

    private static int go(ServerFixture fixture, SSLContext context, String volume) throws Exception {
        return haggling(fixture, context).go(volume);
    }

    /** Returns the type of the first reply. */
    private static int info(ServerFixture fixture, SSLContext context, String volume) throws Exception {
        byte[] name = volume.getBytes(StandardCharsets.UTF_8);
        ByteBuffer data =
                ByteBuffer.allocate(4 + name.length + 2).putInt(name.length).put(name);
        return haggling(fixture, context).negotiate(Nbd.OPT_INFO, data.array());
    }

    private static NbdTestClient haggling(ServerFixture fixture, SSLContext context) throws Exception {
        NbdTestClient client = fixture.connect();
        client.greet();
        client.startTls(context);
        return client;
    }

    /** A client that has the server's yes, and has not begun with TLS. */
    private static NbdTestClient startingTls(ServerFixture fixture) throws Exception {
        NbdTestClient client = fixture.connect();
        client.greet();
        client.sendOption(Nbd.OPT_STARTTLS, new byte[0]);
        assertEquals(Nbd.REP_ACK, client.optionReply(Nbd.OPT_STARTTLS));
        return client;
    }

    private static void assertRefused(ServerFixture fixture, SSLContext context) throws Exception {
        NbdTestClient client = fixture.connect();
        client.greet();
        // With TLS 1.3 the client is done before the server has looked at its certificate.
        assertThrows(IOException.class, () -> {
            client.startTls(context);
            client.go(ServerFixture.DISK);
        });
    }

    /** Returns how many bytes came until the end. */
    private static int drain(NbdTestClient client) {
        int count = 0;
        while (!client.ended()) {
            count++;
        }
        return count;
    }
}
