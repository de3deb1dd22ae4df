package io.fdbnbd.server;

import static io.fdbnbd.server.NbdTestClient.bytes;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fdbnbd.nbd.Nbd;
import io.fdbnbd.store.FaultStore;
import io.fdbnbd.store.FaultStore.Fault;
import io.fdbnbd.volume.AckMode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What one client can cost, and how little of it the others notice. */
@Timeout(120)
class ServerLimitsTest {
    private static final int MIB = 1 << 20;

    @Test
    void oneConnectionTooManyIsClosedAndTheOthersGoOn() throws Exception {
        try (ServerFixture fixture = new ServerFixture(AckMode.BUFFERED, options -> options.withConnectionsMax(2))) {
            NbdTestClient first = fixture.attach();
            NbdTestClient second = fixture.attach();
            assertTrue(fixture.connect().ended());
            assertEquals(0, first.write(0, bytes(512, 1)));
            second.disconnect();
            assertTrue(second.ended());
            fixture.awaitConnections(1);
            assertArrayEquals(bytes(512, 1), fixture.attach().read(0, 512));
        }
    }

    @Test
    void aClientThatChoosesNoExportInTimeIsCut() throws Exception {
        try (ServerFixture fixture = new ServerFixture()) {
            NbdTestClient served = fixture.attach();
            NbdTestClient silent = fixture.connect();
            NbdTestClient talking = fixture.connect();
            silent.greet();
            talking.greet();
            fixture.ticker.advance(ServerOptions.HANDSHAKE_DEADLINE_DEFAULT);
            fixture.server.checkDeadlines();
            assertEquals(Nbd.REP_ERR_UNKNOWN, talking.go("nothing"));
            fixture.ticker.advance(Duration.ofNanos(1));
            fixture.server.checkDeadlines();
            assertTrue(silent.ended());
            assertTrue(talking.ended(), "haggling on does not win time");
            assertEquals(0, served.write(0, bytes(512, 1)), "who has chosen has all the time");
        }
    }

    @Test
    void theTimeThatAttachingTakesIsNotTheClients() throws Exception {
        CountDownLatch hold = new CountDownLatch(1);
        CountDownLatch reached = new CountDownLatch(1);
        try (ServerFixture fixture = new ServerFixture()) {
            NbdTestClient client = fixture.connect();
            client.greet();
            fixture.store.onCommit(Fault.delay(hold, reached));
            FutureTask<Integer> go = new FutureTask<>(() -> client.go(ServerFixture.DISK));
            Thread.startVirtualThread(go);
            reached.await();
            fixture.ticker.advance(ServerOptions.HANDSHAKE_DEADLINE_DEFAULT.plusSeconds(1));
            fixture.server.checkDeadlines();
            hold.countDown();
            assertEquals(Nbd.REP_ACK, go.get());
        }
    }

    @Test
    void idleConnectionsTakeNothingThatOthersCouldUse() throws Exception {
        try (ServerFixture fixture = new ServerFixture()) {
            List<NbdTestClient> idle = new ArrayList<>();
            for (int i = 0; i < 200; i++) {
                idle.add(fixture.attach());
                assertEquals(0, idle.getLast().write(512L * i, bytes(512, i)));
            }
            assertEquals(0, fixture.server.sharedBuffers().taken());
            for (int i = 0; i < 200; i++) {
                assertArrayEquals(bytes(512, i), idle.get(i).read(512L * i, 512));
            }
            assertEquals(0, fixture.server.sharedBuffers().taken());
        }
    }

    @Test
    void requestsThatWaitAreBoundedAndAllAreAnswered() throws Exception {
        int requests = 1000;
        CountDownLatch hold = new CountDownLatch(1);
        CountDownLatch reached = new CountDownLatch(ReplySender.REQUESTS_MAX);
        AtomicInteger under = new AtomicInteger();
        try (ServerFixture fixture = new ServerFixture()) {
            NbdTestClient client = fixture.attach();
            // So that every READ is one of the store.
            fixture.reads.holdsThreads = true;
            fixture.letReadsWait(client);
            fixture.store.always(call -> {
                if (call != FaultStore.Call.READ) {
                    return Fault.NONE;
                }
                under.incrementAndGet();
                return Fault.delay(hold, reached);
            });
            for (int i = 0; i < requests; i++) {
                client.request(0, Nbd.CMD_READ, i, 512L * i, 512);
            }
            reached.await();
            // Every read that has begun is held, so no more can have begun than may wait.
            assertEquals(ReplySender.REQUESTS_MAX, under.get());
            hold.countDown();
            boolean[] answered = new boolean[requests];
            for (int i = 0; i < requests; i++) {
                NbdTestClient.Reply reply = client.reply();
                assertEquals(0, reply.error());
                client.data(512);
                answered[(int) reply.cookie()] = true;
            }
            for (boolean one : answered) {
                assertTrue(one);
            }
        }
    }

    @Test
    void withoutAnySharedBufferEverythingStillWorks() throws Exception {
        try (ServerFixture fixture = new ServerFixture(AckMode.BUFFERED, options -> options.withBufferBytesMax(0))) {
            NbdTestClient client = fixture.attach();
            byte[] data = new byte[5 * MIB + 123];
            for (int i = 0; i < data.length; i++) {
                data[i] = (byte) (i * 7 + (i >> 16));
            }
            assertEquals(0, client.write(1001, data));
            assertArrayEquals(data, client.read(1001, data.length));
            fixture.letReadsWait(client);
            assertArrayEquals(data, client.read(1001, data.length));
            for (int i = 0; i < 500; i++) {
                client.request(0, Nbd.CMD_READ, i, 1001 + i, 4096);
            }
            for (int i = 0; i < 500; i++) {
                assertEquals(0, client.reply().error());
                client.data(4096);
            }
        }
    }
}
