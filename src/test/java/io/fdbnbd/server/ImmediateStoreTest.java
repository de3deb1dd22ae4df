package io.fdbnbd.server;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.fdbnbd.nbd.Nbd;
import java.nio.ByteBuffer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A connection to a volume whose store never makes anybody wait: it commits what large WRITEs brought. */
@Timeout(60)
class ImmediateStoreTest {

    /** The least that is left to who writes it. */
    private static final int LARGE = 64 << 10;

    @SuppressWarnings("NullAway.Init")
    private ServerFixture fixture;

    @BeforeEach
    void start() throws Exception {
        fixture = new ServerFixture();
        fixture.reads.immediate = true;
    }

    @AfterEach
    void close() throws Exception {
        fixture.close();
    }

    @Test
    void whatWasWrittenIsCommittedBeforeTheNextRequestIsRead() throws Exception {
        NbdTestClient client = fixture.attach();
        for (int i = 0; i < 500; i++) {
            assertEquals(0, client.write((long) i * LARGE, NbdTestClient.bytes(LARGE, 1 + i % 100)));
            assertEquals(0, client.command(0, Nbd.CMD_CACHE, 0, 0));
            awaitClean();
        }
    }

    @Test
    void aLargeWriteIsCommittedAsItArrives() throws Exception {
        NbdTestClient client = fixture.attach();
        byte[] large = NbdTestClient.bytes(Nbd.PAYLOAD_BYTES_MAX, 7);
        assertEquals(0, client.write(LARGE / 2, large));
        assertEquals(0, client.command(0, Nbd.CMD_CACHE, 0, 0));
        awaitClean();
        assertArrayEquals(NbdTestClient.bytes(LARGE, 7), client.read(Nbd.PAYLOAD_BYTES_MAX - LARGE, LARGE));
    }

    @Test
    void whoLeavesLeavesNothingUncommitted() throws Exception {
        fixture.attach();
        NbdTestClient leaving = fixture.attach();
        ByteBuffer requests = ByteBuffer.allocate(2 * Nbd.REQUEST_BYTES + LARGE);
        requests.put(NbdTestClient.header(0, Nbd.CMD_WRITE, 1, 0, LARGE).flip());
        requests.put(NbdTestClient.bytes(LARGE, 5));
        requests.put(NbdTestClient.header(0, Nbd.CMD_DISC, 2, 0, 0).flip());
        leaving.send(requests);
        fixture.awaitConnections(1);
        awaitClean();
    }

    /** More of one client wait for a commit than may wait: nobody but they would come to make it. */
    @Test
    void whoWaitsForACommitNeedsNobodyElse() throws Exception {
        NbdTestClient client = fixture.attach();
        int waiting = ReplySender.REQUESTS_MAX + 44;
        ByteBuffer requests = ByteBuffer.allocate((1 + waiting) * (Nbd.REQUEST_BYTES + 1) + LARGE);
        // Once more: the gulps are small until one was full.
        for (int round = 0; round < 3; round++) {
            requests.clear();
            requests.put(NbdTestClient.header(0, Nbd.CMD_WRITE, 0, 0, LARGE).flip());
            requests.put(NbdTestClient.bytes(LARGE, 5));
            for (int i = 1; i <= waiting; i++) {
                requests.put(NbdTestClient.header(Nbd.CMD_FLAG_FUA, Nbd.CMD_WRITE, i, i, 1)
                        .flip());
                requests.put((byte) 6);
            }
            client.send(requests);
            for (int i = 0; i <= waiting; i++) {
                assertEquals(0, client.reply().error());
            }
        }
    }

    /** Nobody waits for it, so that what was forgotten stays. */
    private void awaitClean() {
        while (fixture.volumes.open().getFirst().bufferBytes() > 0) {
            assertFalse(Thread.interrupted(), "it was not committed");
            Thread.onSpinWait();
        }
    }
}
