package io.fdbnbd.server;

import static io.fdbnbd.server.NbdTestClient.bytes;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fdbnbd.nbd.Nbd;
import io.fdbnbd.server.NbdTestClient.Reply;
import io.fdbnbd.store.FaultStore.Call;
import io.fdbnbd.store.FaultStore.Fault;
import io.fdbnbd.volume.AckMode;
import io.fdbnbd.volume.Attachment;
import io.fdbnbd.volume.VolumeOptions;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A client gives up a connection whose requests are stuck here, and sends them again elsewhere. The store takes no
 * commits, the write buffer is full, and a write waits for room; behind it is the old copy of the one that counts.
 */
@Timeout(60)
@SuppressWarnings("NullAway.Init") // by start, which every test begins with
class LateDuplicateTest {
    private static final long PLACE = 0;
    private static final byte[] OLD = bytes(4096, 1);
    private static final byte[] NEW = bytes(4096, 2);
    private static final long STUCK = 1 << 20;
    private static final long FILL = 1L << 30;
    private static final int FILL_BYTES = 1 << 20;
    private static final int FILLS = (int) (VolumeOptions.of(AckMode.BUFFERED).volumeBufferBytesMax() / FILL_BYTES);

    /** How many requests are behind those: as many as any socket holds. */
    private static final int FEW = 12;

    /** More than a gulp and than some sockets, so that some may still be at the client; a unix socket holds less. */
    private int many;

    private final CountDownLatch hold = new CountDownLatch(1);
    private final CountDownLatch reached = new CountDownLatch(1);

    @TempDir
    private Path directory;

    private ServerFixture fixture;
    private Attachment attachment;
    private NbdTestClient first;

    private void start(boolean unix, boolean multiConn) throws Exception {
        many = unix ? 30 : 300;
        String address = unix ? "unix:" + directory.resolve("nbd.sock") : "127.0.0.1:0";
        fixture = new ServerFixture(
                AckMode.BUFFERED,
                options ->
                        ServerOptions.of(List.of(ListenAddress.parse(address))).withMultiConn(multiConn));
        attachment = fixture.volumes.attach(ServerFixture.DISK);
        first = fixture.attach();
        // Marks the volume, for which no commit is to be missing later.
        assertEquals(0, first.write(2 * FILL, bytes(4096, 7)));
        assertEquals(0, first.flush());
    }

    @AfterEach
    void close() throws Exception {
        hold.countDown();
        attachment.close();
        fixture.close();
    }

    /** Fills the buffer over the first connection, and leaves requests on it that have to wait. */
    private void stall(int backlog) throws Exception {
        fixture.store.always(call -> call == Call.COMMIT ? Fault.delay(hold, reached) : Fault.NONE);
        for (int i = 0; i < FILLS; i++) {
            first.write(0, i, FILL + (long) i * FILL_BYTES, bytes(FILL_BYTES, 7));
        }
        for (int i = 0; i < FILLS; i++) {
            assertEquals(new Reply(i, 0), first.reply());
        }
        // In one gulp: the second is in memory here while the first waits.
        first.send(ByteBuffer.allocate(2 * (Nbd.REQUEST_BYTES + OLD.length))
                .put(NbdTestClient.header(0, Nbd.CMD_WRITE, 1000, STUCK, OLD.length)
                        .flip())
                .put(OLD)
                .put(NbdTestClient.header(0, Nbd.CMD_WRITE, 2000, PLACE, OLD.length)
                        .flip())
                .put(OLD));
        awaitWaiting(1);
        for (int i = 0; i < backlog; i++) {
            first.write(0, 1001 + i, STUCK + 4096L * (1 + i), bytes(4096, i));
        }
    }

    private void awaitWaiting(int changes) {
        while (attachment.volume().changesWaiting() < changes) {
            Thread.onSpinWait();
        }
    }

    private void awaitHeldBack() {
        while (fixture.server.succession().held() == 0 && attachment.volume().changesWaiting() < 2) {
            Thread.onSpinWait();
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aNewConnectionComesAfterWhatIsStuckOnAnOlderOneThatLives(boolean unix) throws Exception {
        start(unix, true);
        stall(many);
        NbdTestClient next = fixture.attach();
        next.write(0, 1, PLACE, NEW);
        awaitHeldBack();
        hold.countDown();
        assertEquals(new Reply(1, 0), next.reply());
        assertArrayEquals(NEW, next.read(PLACE, 4096));
        assertEquals(new Reply(1000, 0), first.reply());
        assertEquals(new Reply(2000, 0), first.reply());
        for (int i = 0; i < many; i++) {
            assertEquals(new Reply(1001 + i, 0), first.reply());
        }
        for (int i = 0; i < many; i++) {
            assertArrayEquals(bytes(4096, i), first.read(STUCK + 4096L * (1 + i), 4096));
        }
        assertArrayEquals(NEW, first.read(PLACE, 4096));
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void whatIsStuckOnAConnectionThatWasGivenUpNeverLandsAfterItsSuccessor(boolean unix) throws Exception {
        start(unix, true);
        stall(FEW);
        first.close();
        NbdTestClient next = fixture.attach();
        next.write(0, 1, PLACE, NEW);
        awaitHeldBack();
        hold.countDown();
        assertEquals(new Reply(1, 0), next.reply());
        assertArrayEquals(NEW, next.read(PLACE, 4096));
        assertArrayEquals(new byte[8192], next.read(STUCK, 8192), "who has hung up changes nothing any more");
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void whatIsStuckNeverLandsAfterItsCopyOnAnotherConnectionThatWasThereBefore(boolean unix) throws Exception {
        start(unix, true);
        NbdTestClient other = fixture.attach();
        assertEquals(0, other.flush(), "it has found the first idle");
        stall(FEW);
        first.close();
        other.write(0, 1, PLACE, NEW);
        awaitWaiting(2);
        hold.countDown();
        assertEquals(new Reply(1, 0), other.reply());
        assertArrayEquals(NEW, other.read(PLACE, 4096));
        assertEquals(0, other.flush());
        fixture.attach(); // which comes after all that the first could still do
        assertArrayEquals(NEW, other.read(PLACE, 4096));
        assertArrayEquals(new byte[8192], other.read(STUCK, 8192), "who has hung up changes nothing any more");
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void whoDisconnectsInOrderHasAllExecutedThatCameBefore(boolean unix) throws Exception {
        start(unix, true);
        stall(many);
        first.disconnect();
        first.shutdownOutput();
        NbdTestClient next = fixture.attach();
        next.write(0, 1, 8192, NEW);
        awaitHeldBack();
        hold.countDown();
        assertEquals(new Reply(1, 0), next.reply());
        assertArrayEquals(OLD, next.read(PLACE, 4096));
        assertArrayEquals(OLD, next.read(STUCK, 4096));
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void whereThereIsOnlyOneConnectionANewOneReplacesTheOlder(boolean unix) throws Exception {
        start(unix, false);
        assertEquals(0, first.flags & Nbd.TRANSMIT_CAN_MULTI_CONN);
        stall(FEW);
        NbdTestClient next = fixture.attach();
        next.write(0, 1, PLACE, NEW);
        assertTrue(first.ended());
        awaitWaiting(1);
        hold.countDown();
        assertEquals(new Reply(1, 0), next.reply());
        assertArrayEquals(NEW, next.read(PLACE, 4096));
        assertArrayEquals(new byte[8192], next.read(STUCK, 8192), "who was replaced changes nothing any more");
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aStopEndsTheWaitForOlderConnections(boolean unix) throws Exception {
        start(unix, true);
        stall(FEW);
        NbdTestClient next = fixture.attach();
        next.write(0, 1, PLACE, NEW);
        awaitHeldBack();
        FutureTask<Void> stop = new FutureTask<>(() -> {
            fixture.server.stop(Duration.ofMillis(1));
            return null;
        });
        Thread.ofVirtual().name("stop").start(stop);
        assertTrue(next.ended());
        stop.get();
    }
}
