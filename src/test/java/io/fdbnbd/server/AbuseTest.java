package io.fdbnbd.server;

import static io.fdbnbd.server.NbdTestClient.bytes;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fdbnbd.KeptLinesWriter;
import io.fdbnbd.nbd.Nbd;
import io.fdbnbd.tls.AuthorityFixture;
import io.fdbnbd.volume.AckMode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Clients that want to keep others from being served, in the clear and through TLS. {@code bench/abuse} measures what the
 * others notice.
 */
@ParameterizedClass(name = "TLS: {0}")
@ValueSource(booleans = {false, true})
@Timeout(60)
class AbuseTest extends AuthorityFixture {
    private static final int MIB = 1 << 20;

    /** Of one connection with one request at a time: what it receives ahead, a gulp, and its replies. */
    private static final int BUFFERS_MAX = 32 + 2;

    private static final Duration STALL = ServerOptions.STALL_DEADLINE_DEFAULT.plusNanos(1);

    @Parameter
    boolean tls;

    @BeforeEach
    void forgetTheLog() {
        KeptLinesWriter.forget();
    }

    private ServerFixture server(UnaryOperator<ServerOptions> change) throws Exception {
        Access.Tls secure = new Access.Tls(true, authority.server("server").context());
        return new ServerFixture(
                AckMode.BUFFERED,
                options -> change.apply(tls ? options.withAccess(Access.OPEN.withTls(secure)) : options));
    }

    private static void awaitBufferTaken(ServerFixture fixture) {
        while (fixture.server.sharedBuffers().taken() == 0) {
            Thread.onSpinWait();
        }
    }

    private NbdTestClient attach(ServerFixture fixture) throws Exception {
        return tls ? fixture.attachSecurely(authority.trusting()) : fixture.attach();
    }

    /** Goes on as far as it gets without saying what it wants. */
    private NbdTestClient silent(ServerFixture fixture) throws Exception {
        NbdTestClient client = fixture.connect();
        client.greet();
        if (tls) {
            assertEquals(Nbd.REP_ACK, client.negotiate(Nbd.OPT_STARTTLS, new byte[0]));
            // The beginning of a ClientHello of 500 bytes.
            client.send(ByteBuffer.allocate(20)
                    .put(new byte[] {22, 3, 1, 1, (byte) 0xf8, 1, 0, 1, (byte) 0xf4, 3, 3})
                    .position(20));
        } else {
            client.send(ByteBuffer.allocate(12).putLong(Nbd.OPTION_MAGIC).putInt(Nbd.OPT_GO));
        }
        return client;
    }

    private static void assertServed(NbdTestClient client) throws IOException {
        assertEquals(0, client.write(5L * MIB, bytes(MIB, 8)));
        assertArrayEquals(bytes(MIB, 8), client.read(5L * MIB, MIB));
    }

    @Test
    void whoSaysHalfOfWhatHeWantsIsCutAfterTheDeadline() throws Exception {
        try (ServerFixture fixture = server(options -> options)) {
            NbdTestClient good = attach(fixture);
            List<NbdTestClient> silent = new ArrayList<>();
            for (int i = 0; i < 20; i++) {
                silent.add(silent(fixture));
            }
            assertServed(good);
            fixture.ticker.advance(ServerOptions.HANDSHAKE_DEADLINE_DEFAULT.plusNanos(1));
            fixture.server.checkDeadlines();
            for (NbdTestClient client : silent) {
                assertTrue(client.ended());
            }
            fixture.awaitConnections(1);
            assertTrue(KeptLinesWriter.has("was closed: it did not choose an export within 10 s"));
            assertServed(good);
        }
    }

    @Test
    void whoSaysNothingCannotTakeAllPlaces() throws Exception {
        try (ServerFixture fixture = server(options -> options.withConnectionsMax(4))) {
            NbdTestClient good = attach(fixture);
            List<NbdTestClient> silent = new ArrayList<>();
            for (int i = 0; i < 20; i++) {
                fixture.ticker.advance(Duration.ofNanos(1));
                silent.add(silent(fixture));
                fixture.awaitConnections(4); // who has to go is gone
            }
            NbdTestClient newcomer = attach(fixture);
            assertServed(newcomer);
            assertServed(good);
            for (NbdTestClient oldest : silent.subList(0, 18)) {
                assertTrue(oldest.ended());
            }
            fixture.awaitConnections(4);
            assertTrue(KeptLinesWriter.has("was closed: it had chosen no export, and a newer client needed the place"));
            NbdTestClient last = attach(fixture);
            assertServed(last);
            fixture.awaitConnections(4);
            attach(fixture);
            fixture.awaitConnections(4);
            assertTrue(fixture.connect().ended(), "those who have a volume keep their places");
            assertServed(good);
        }
    }

    @Test
    void connectionsThatComeAndGoLeaveNothing() throws Exception {
        try (ServerFixture fixture = server(options -> options)) {
            NbdTestClient good = attach(fixture);
            for (int i = 0; i < 300; i++) {
                (i % 3 == 0 ? silent(fixture) : fixture.connect()).close();
            }
            assertServed(good);
            fixture.awaitConnections(1);
            assertEquals(2, fixture.server.shares().taken());
        }
    }

    @Test
    void halfARequestHurtsNobodyAndIsGivenTheTimeItTakes() throws Exception {
        try (ServerFixture fixture = server(options -> options)) {
            NbdTestClient good = attach(fixture);
            List<NbdTestClient> slow = new ArrayList<>();
            for (int i = 0; i < 20; i++) {
                slow.add(attach(fixture));
                slow.getLast()
                        .send(ByteBuffer.allocate(20).putInt(Nbd.REQUEST_MAGIC).position(20));
            }
            fixture.ticker.advance(STALL);
            fixture.server.checkDeadlines();
            fixture.ticker.advance(STALL);
            fixture.server.checkDeadlines();
            assertEquals(0, fixture.server.sharedBuffers().taken(), "it holds nothing that others could use");
            assertServed(good);
            assertEquals(21, fixture.server.connectionCount());
        }
    }

    /**
     * The pool has one buffer for gulps, which a WRITE that does not come to its end has taken; through TLS, where a record
     * comes at a time, it is content with its own.
     */
    @Test
    void whoSitsOnABufferWithHalfAWriteIsCutWhenOthersNeedIt() throws Exception {
        try (ServerFixture fixture = server(options -> options.withBufferBytesMax(MIB))) {
            NbdTestClient stalled = attach(fixture);
            NbdTestClient good = attach(fixture);
            stalled.request(0, Nbd.CMD_WRITE, 1, 0, 64 * MIB);
            stalled.send(ByteBuffer.allocate(MIB).position(MIB));
            if (tls) {
                assertServed(good);
                assertEquals(0, fixture.server.sharedBuffers().taken());
                return;
            }
            awaitBufferTaken(fixture);
            while (fixture.server.connectionCount() > 1) {
                // A byte now and then is no progress. It has arrived before the look: who is just being received is not
                // owed.
                stalled.sendIfOpen(new byte[1]);
                assertServed(good);
                fixture.ticker.advance(STALL);
                fixture.server.checkDeadlines();
            }
            assertTrue(KeptLinesWriter.has("was closed: it sent next to nothing of the rest of a request for 30 s"));
            assertServed(good);
        }
    }

    /** A READ of 32 MiB goes through one large buffer from its beginning to its end, and the pool has one. */
    @Test
    void whoSitsOnABufferAndNeverReadsIsCutWhenOthersNeedIt() throws Exception {
        try (ServerFixture fixture = server(options -> options.withBufferBytesMax(5L * MIB))) {
            NbdTestClient stalled = attach(fixture);
            NbdTestClient good = attach(fixture);
            stalled.request(0, Nbd.CMD_READ, 1, 0, 32 * MIB);
            awaitBufferTaken(fixture);
            while (fixture.server.connectionCount() > 1) {
                assertArrayEquals(bytes(4 * MIB, 0), good.read(0, 4 * MIB));
                fixture.ticker.advance(STALL);
                fixture.server.checkDeadlines();
            }
            assertTrue(KeptLinesWriter.has("was closed: it took next to nothing of its replies for 30 s"));
            assertServed(good);
        }
    }

    /** A virtual machine may have been paused, and what it sits on is nobody else's. */
    @Test
    void whoNeverReadsAndIsInNobodysWayKeepsItsConnection() throws Exception {
        try (ServerFixture fixture = server(options -> options)) {
            NbdTestClient stalled = attach(fixture);
            NbdTestClient good = attach(fixture);
            assertEquals(0, good.write(0, bytes(MIB, 7)));
            for (int i = 0; i < 100; i++) {
                stalled.request(0, Nbd.CMD_READ, i, 0, MIB);
            }
            for (int i = 0; i < 5; i++) {
                fixture.ticker.advance(STALL);
                fixture.server.checkDeadlines();
                assertServed(good);
            }
            for (int i = 0; i < 100; i++) {
                assertEquals(0, stalled.reply().error());
                assertArrayEquals(bytes(MIB, 7), stalled.data(MIB));
            }
            assertEquals(2, fixture.server.connectionCount());
        }
    }

    @Test
    void writesWhoseRepliesAreNeverReadAreServedWithinTheirBounds() throws Exception {
        try (ServerFixture fixture = server(options -> options)) {
            NbdTestClient good = attach(fixture);
            NbdTestClient flooding = attach(fixture);
            byte[] data = bytes(64 * MIB, 3);
            for (int i = 0; i < 3; i++) {
                flooding.write(0, i, 100L * MIB, data);
                assertServed(good);
                assertTrue(fixture.server.sharedBuffers().taken() <= 2 * BUFFERS_MAX);
            }
            assertArrayEquals(bytes(MIB, 3), good.read(100L * MIB, MIB));
        }
    }

    /** Others wait for what came before them, unless nothing of it can change the volume. */
    @Test
    void whoNeverReadsCannotKeepOthersFromAVolumeThatNobodyMayChange() throws Exception {
        try (ServerFixture fixture =
                server(options -> options.withAccess(options.access().withReadOnly(Access.ReadOnly.ALL)))) {
            NbdTestClient stalled = attach(fixture);
            for (int i = 0; i < 100; i++) {
                stalled.request(0, Nbd.CMD_READ, i, 0, MIB);
            }
            stalled.reply(); // so the server is at it
            assertArrayEquals(bytes(MIB, 0), attach(fixture).read(0, MIB));
            assertFalse(KeptLinesWriter.has("was closed"));
        }
    }
}
