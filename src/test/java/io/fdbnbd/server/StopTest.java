package io.fdbnbd.server;

import static io.fdbnbd.server.NbdTestClient.bytes;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fdbnbd.nbd.Nbd;
import io.fdbnbd.server.NbdTestClient.Reply;
import io.fdbnbd.store.FaultStore.Fault;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class StopTest {
    private static final Duration LONG = Duration.ofMinutes(1);

    private final CountDownLatch hold = new CountDownLatch(1);
    private final CountDownLatch reached = new CountDownLatch(1);
    private ServerFixture fixture;

    @BeforeEach
    void start() throws Exception {
        fixture = new ServerFixture();
    }

    @AfterEach
    void close() throws Exception {
        hold.countDown();
        fixture.close();
    }

    @Test
    void idleClientsAreClosed() throws Exception {
        NbdTestClient client = fixture.attach();
        NbdTestClient haggling = fixture.connect();
        haggling.greet();
        assertEquals(0, client.write(0, bytes(512, 1)));
        fixture.server.stop(LONG);
        assertTrue(client.ended());
        assertTrue(haggling.ended());
        assertEquals(0, fixture.server.connectionCount());
        assertThrows(IOException.class, fixture::connect);
    }

    @Test
    void whatIsUnderWayIsFinishedAndAnswered() throws Exception {
        NbdTestClient client = fixture.attach();
        assertEquals(0, client.write(0, bytes(4096, 1)));
        fixture.letReadsWait(client);
        fixture.store.onRead(Fault.delay(hold, reached));
        client.request(0, Nbd.CMD_READ, 1, 0, 4096);
        reached.await();
        FutureTask<Void> stop = stopping(LONG);
        awaitNobodyListening();
        assertFalse(stop.isDone(), "a request is under way");
        hold.countDown();
        assertEquals(new Reply(1, 0), client.reply());
        assertArrayEquals(bytes(4096, 1), client.data(4096));
        assertTrue(client.ended());
        stop.get();
    }

    @Test
    void whatIsNotDoneByTheDeadlineIsCut() throws Exception {
        NbdTestClient client = fixture.attach();
        assertEquals(0, client.write(0, bytes(4096, 1)));
        fixture.letReadsWait(client);
        fixture.store.onRead(Fault.delay(hold, reached));
        client.request(0, Nbd.CMD_READ, 1, 0, 4096);
        reached.await();
        FutureTask<Void> stop = stopping(Duration.ofMillis(1));
        assertTrue(client.ended(), "without an answer");
        hold.countDown();
        stop.get();
    }

    @Test
    void aClientThatReadsNothingCannotHoldTheStopUp() throws Exception {
        NbdTestClient client = fixture.attach();
        for (int i = 0; i < 100; i++) {
            client.request(0, Nbd.CMD_READ, i, 0, 2 << 20);
        }
        client.reply(); // so the server is at it
        fixture.server.stop(Duration.ofMillis(1));
        assertEquals(0, fixture.server.connectionCount());
    }

    @Test
    void whatWasAnsweredIsThereAfterTheStop() throws Exception {
        NbdTestClient client = fixture.attach();
        assertEquals(0, client.write(123, bytes(100_000, 4)));
        fixture.server.stop(LONG);
        NbdServer next = new NbdServer(fixture.volumes, fixture.server.options(), fixture.ticker);
        next.start();
        try (NbdTestClient again = NbdTestClient.attach(next.addresses().getFirst(), ServerFixture.DISK)) {
            assertArrayEquals(bytes(100_000, 4), again.read(123, 100_000));
        } finally {
            next.close();
        }
    }

    private FutureTask<Void> stopping(Duration deadline) {
        FutureTask<Void> stop = new FutureTask<>(() -> {
            fixture.server.stop(deadline);
            return null;
        });
        Thread.ofVirtual().name("stop").start(stop);
        return stop;
    }

    private void awaitNobodyListening() {
        while (true) {
            try {
                fixture.connect();
            } catch (Exception e) {
                return;
            }
        }
    }
}
