package io.fdbnbd.server;

import static io.fdbnbd.server.NbdTestClient.bytes;
import static io.fdbnbd.store.FaultStore.Fault.NONE;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fdbnbd.nbd.Framing;
import io.fdbnbd.nbd.Nbd;
import io.fdbnbd.nbd.Request;
import io.fdbnbd.server.ReplyChecker.Answer;
import io.fdbnbd.store.FaultStore.Fault;
import io.fdbnbd.store.StoreException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a client that negotiated structured replies gets. */
class StructuredRepliesTest extends FramedRequests {
    private static final int CHUNK = BufferPool.READ_CHUNK_BYTES;
    private static final int ADVERTISED = Nbd.PAYLOAD_ADVERTISED_BYTES_MAX;

    StructuredRepliesTest() {
        super(Framing.STRUCTURED);
    }

    private Answer read(int flags, long offset, int length) throws Exception {
        return command(flags, Nbd.CMD_READ, offset, length);
    }

    @Test
    void dfIsAdvertisedToWhoTakesStructuredRepliesOnly() throws Exception {
        assertTrue((client.flags & Nbd.TRANSMIT_SEND_DF) != 0);
        assertEquals(client.flags, fixture.attach().flags | Nbd.TRANSMIT_SEND_DF);
    }

    @Test
    void aReadIsChunksAndASuccessWithoutDataIsNot() throws Exception {
        write(0, bytes(4096, 1));
        assertArrayEquals(bytes(4096, 1), read(0, 0, 4096).data());
        assertEquals(0, read(0, 0, 0).error());
        assertEquals(0, command(Nbd.CMD_FLAG_FUA, Nbd.CMD_TRIM, 0, 4096).error());
        assertEquals(0, command(0, Nbd.CMD_FLUSH, 0, 0).error());
    }

    @Test
    void anErrorIsAChunkWithAMessageWhateverTheCommand() throws Exception {
        for (int type : new int[] {Nbd.CMD_READ, Nbd.CMD_TRIM, Nbd.CMD_CACHE, 0x7fff}) {
            assertEquals(
                    Nbd.EINVAL, command(0, type, ServerFixture.DISK_BYTES, 4096).error());
        }
        assertEquals(
                Nbd.ENOSPC,
                command(0, Nbd.CMD_WRITE_ZEROES, ServerFixture.DISK_BYTES, 4096).error());
        fixture.store.onSync(Fault.fail(StoreException.Kind.FATAL));
        assertEquals(Nbd.EIO, command(0, Nbd.CMD_FLUSH, 0, 0).error());
    }

    // Holes

    @ParameterizedTest
    @ValueSource(ints = {512, 4096, 5000, 65_536, 2 << 20, 32 << 20, 64 << 20})
    void whatHoldsNoDataIsAHoleOfAnyLength(int length) throws Exception {
        Answer answer = read(0, 512, length);
        assertEquals(length, answer.holeBytes());
        assertArrayEquals(new byte[length], answer.data());
    }

    @Test
    void dataAndHolesAreToldApartAtTheirBlocks() throws Exception {
        write(65_536, bytes(4096, 1));
        write(200_000, bytes(10, 2));
        fixture.reads.hasNothingAtHand = true;
        byte[] expected = new byte[300_000];
        Arrays.fill(expected, 65_536, 65_536 + 4096, (byte) 1);
        Arrays.fill(expected, 200_000, 200_010, (byte) 2);
        Answer answer = read(0, 0, expected.length);
        assertArrayEquals(expected, answer.data());
        assertEquals(expected.length - 2 * 4096, answer.holeBytes());
        assertEquals(5, answer.contentChunks());
    }

    @Test
    void zeroesThatAreTooFewForAChunkGoWithTheData() throws Exception {
        write(0, bytes(4096, 1));
        write(12_288, bytes(4096, 1));
        Answer answer = read(0, 0, 24_576);
        assertEquals(1, answer.contentChunks());
        assertEquals(0, answer.holeBytes());
    }

    // DF

    @Test
    void dfIsOneChunkOfDataAndZeroes() throws Exception {
        assertDfIsOneChunk();
    }

    private void assertDfIsOneChunk() throws Exception {
        write(65_536, bytes(4096, 1));
        for (int length : new int[] {65_536, 131_072, CHUNK, CHUNK + 1, ADVERTISED}) {
            assertEquals(1, read(Nbd.CMD_FLAG_DF, 0, length).contentChunks());
        }
    }

    @Test
    void dfIsOneChunkWithHardlyAnyBuffersToo() throws Exception {
        serveInstead(options -> options.withBufferBytesMax(6 << 20));
        ByteBuffer only = fixture.server.sharedBuffers().tryTake(CHUNK);
        assertDfIsOneChunk();
        fixture.server.sharedBuffers().give(Objects.requireNonNull(only));
    }

    @Test
    void dfOfMoreThanOneChunkHoldsIsEoverflow() throws Exception {
        assertEquals(Nbd.EOVERFLOW, read(Nbd.CMD_FLAG_DF, 0, ADVERTISED + 1).error());
        assertEquals(0, read(0, 0, ADVERTISED + 1).error());
    }

    @Test
    void dfThatFailsHalfwayIsFilledUpAndThenAnError() throws Exception {
        fixture.reads.hasNothingAtHand = true;
        fixture.store.onRead(NONE, Fault.fail(StoreException.Kind.FATAL));
        assertEquals(Nbd.EIO, read(Nbd.CMD_FLAG_DF, 0, 3 * CHUNK + 5).error());
        assertEquals(0, read(0, 0, 4096).error(), "in step");
    }

    // Long reads

    @Test
    void aLongReadThatFailsLaterIsAnErrorAndTheConnectionGoesOn() throws Exception {
        fixture.reads.hasNothingAtHand = true;
        fixture.store.onRead(NONE, Fault.fail(StoreException.Kind.FATAL));
        Answer answer = read(0, 4096, 3 * CHUNK);
        assertEquals(Nbd.EIO, answer.error());
        assertEquals(CHUNK, answer.holeBytes(), "what was read before it failed");
        assertEquals(0, read(0, 0, 4096).error(), "in step");
    }

    @Test
    void chunksNeverExceedWhatWasAdvertised() throws Exception {
        byte[] data = bytes(64 << 20, 7);
        write(0, data);
        Answer answer = read(0, 0, data.length);
        assertArrayEquals(data, answer.data());
        assertEquals(data.length / CHUNK, answer.contentChunks());
    }

    @Test
    void manyReadsOfNothingAreManyHoles() throws Exception {
        int requests = 200;
        ByteBuffer all = ByteBuffer.allocate(requests * Nbd.REQUEST_BYTES);
        for (int i = 0; i < requests; i++) {
            Request request = expected(0, Nbd.CMD_READ, (long) i << 20, 1 << 20);
            all.put(NbdTestClient.header(Framing.STRUCTURED, request).flip());
        }
        client.send(all);
        for (int i = 0; i < requests; i++) {
            Answer answer = answer();
            assertEquals(1, answer.contentChunks());
            assertEquals(1 << 20, answer.holeBytes());
        }
    }
}
