package io.fdbnbd.server;

import static io.fdbnbd.server.NbdTestClient.bytes;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fdbnbd.nbd.Framing;
import io.fdbnbd.nbd.Nbd;
import io.fdbnbd.nbd.Request;
import io.fdbnbd.nbd.StatusExtent;
import java.nio.ByteBuffer;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Lengths of 64 bits, and who has a payload. */
class ExtendedHeadersTest extends FramedRequests {
    private static final int HOLE = Nbd.STATE_HOLE | Nbd.STATE_ZERO;

    /** A transmission flag that this server has no use for: it has one context. */
    private static final int BLOCK_STATUS_PAYLOAD = 1 << 12;

    private static final long END = ServerFixture.DISK_BYTES;

    ExtendedHeadersTest() {
        super(Framing.EXTENDED);
    }

    private void assertInStep() throws Exception {
        assertEquals(0, command(0, Nbd.CMD_CACHE, 0, 4096).error());
    }

    @Test
    void everyReplyIsAChunk() throws Exception {
        assertEquals(0, command(0, Nbd.CMD_WRITE, 0, 4096, bytes(4096, 1)).error());
        assertEquals(0, command(0, Nbd.CMD_FLUSH, 0, 0).error());
        assertEquals(0, command(0, Nbd.CMD_READ, 0, 0).error());
        assertArrayEquals(bytes(4096, 1), command(0, Nbd.CMD_READ, 0, 4096).data());
        assertEquals(
                Nbd.ENOSPC, command(0, Nbd.CMD_WRITE, END, 512, bytes(512, 1)).error());
        assertInStep();
    }

    @Test
    void lengthsOf64BitsAreTakenWhereNoDataFollow() throws Exception {
        assertEquals(
                0, command(0, Nbd.CMD_WRITE, END - 4096, 4096, bytes(4096, 1)).error());
        assertEquals(
                List.of(new StatusExtent(END - 4096, HOLE), new StatusExtent(4096, 0)),
                command(0, Nbd.CMD_BLOCK_STATUS, 0, END).extents());
        for (int type : new int[] {Nbd.CMD_CACHE, Nbd.CMD_TRIM, Nbd.CMD_WRITE_ZEROES}) {
            assertEquals(0, command(Nbd.CMD_FLAG_FUA, type, 0, END).error());
        }
        assertEquals(
                List.of(new StatusExtent(END, HOLE)),
                command(0, Nbd.CMD_BLOCK_STATUS, 0, END).extents());
    }

    @ParameterizedTest
    @ValueSource(longs = {ServerFixture.DISK_BYTES + 1, Long.MAX_VALUE, Long.MIN_VALUE, -1})
    void lengthsBeyondTheEndAreRefused(long length) throws Exception {
        for (int type : new int[] {Nbd.CMD_READ, Nbd.CMD_CACHE, Nbd.CMD_TRIM, Nbd.CMD_BLOCK_STATUS}) {
            assertEquals(Nbd.EINVAL, command(0, type, 0, length).error());
            assertEquals(Nbd.EINVAL, command(0, type, 4096, length).error());
        }
        assertEquals(Nbd.ENOSPC, command(0, Nbd.CMD_WRITE_ZEROES, 0, length).error());
    }

    @Test
    void aReadOfMoreThan32BitsIsInvalid() throws Exception {
        assertEquals(Nbd.EINVAL, command(0, Nbd.CMD_READ, 0, (1L << 32) + 4096).error());
        assertInStep();
    }

    // Payloads

    @Test
    void aPayloadOfWhatHasNoneIsPassedOverAndInvalid() throws Exception {
        int flag = Nbd.CMD_FLAG_PAYLOAD_LEN;
        assertEquals(0, client.flags & BLOCK_STATUS_PAYLOAD, "it is not advertised");
        for (int type : new int[] {Nbd.CMD_READ, Nbd.CMD_TRIM, Nbd.CMD_BLOCK_STATUS, Nbd.CMD_FLUSH, 0x7fff}) {
            for (int length : new int[] {12, 4096, 1 << 20}) {
                assertEquals(
                        Nbd.EINVAL,
                        command(flag, type, 0, length, bytes(length, 1)).error());
            }
        }
        assertInStep();
    }

    @Test
    void aWriteThatDoesNotSayThatItHasAPayloadHasOne() throws Exception {
        Request request = expected(0, Nbd.CMD_WRITE, 0, 4096);
        client.send(NbdTestClient.header(Framing.EXTENDED, request).putShort(4, (short) 0));
        client.send(ByteBuffer.wrap(bytes(4096, 1)).position(4096));
        assertEquals(0, answer().error());
        assertArrayEquals(bytes(4096, 1), command(0, Nbd.CMD_READ, 0, 4096).data());
    }

    @ParameterizedTest
    @ValueSource(longs = {(64 << 20) + 1, 1L << 32, Long.MAX_VALUE, -1})
    void aPayloadLongerThanTheLimitEndsTheConnectionUnread(long length) throws Exception {
        for (int type : new int[] {Nbd.CMD_WRITE, Nbd.CMD_TRIM}) {
            NbdTestClient other = fixture.attach(Framing.EXTENDED);
            Request request = new Request(Nbd.CMD_FLAG_PAYLOAD_LEN, type, 1, 0, length);
            other.send(NbdTestClient.header(Framing.EXTENDED, request));
            assertTrue(other.ended());
        }
    }

    @Test
    void aHeaderThatIsNotExtendedEndsTheConnection() throws Exception {
        client.request(0, Nbd.CMD_CACHE, 1, 0, 4096);
        client.send(ByteBuffer.allocate(4).position(4));
        assertTrue(client.ended());
    }
}
