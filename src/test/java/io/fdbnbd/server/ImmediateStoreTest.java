package io.fdbnbd.server;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

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
            assertEquals(0, bufferBytes(), "after " + (i + 1) + " writes");
        }
    }

    @Test
    void aLargeWriteIsCommittedAsItArrives() throws Exception {
        NbdTestClient client = fixture.attach();
        byte[] large = NbdTestClient.bytes(Nbd.PAYLOAD_BYTES_MAX, 7);
        assertEquals(0, client.write(LARGE / 2, large));
        assertEquals(0, client.command(0, Nbd.CMD_CACHE, 0, 0));
        assertEquals(0, bufferBytes());
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
        assertEquals(0, bufferBytes());
    }

    private long bufferBytes() {
        return fixture.volumes.open().getFirst().bufferBytes();
    }
}
