package io.fdbnbd.server;

import static io.fdbnbd.server.NbdTestClient.bytes;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fdbnbd.nbd.Nbd;
import io.fdbnbd.server.NbdTestClient.Reply;
import io.fdbnbd.volume.AckMode;
import java.nio.ByteBuffer;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** One client and a server with nothing in its way: commands, errors, and that the stream stays in step. */
@Timeout(60)
class TransmissionTest {
    private static final long END = ServerFixture.DISK_BYTES;

    private ServerFixture fixture;
    private NbdTestClient client;

    @BeforeEach
    void attach() throws Exception {
        fixture = new ServerFixture();
        client = fixture.attach();
    }

    @AfterEach
    void close() throws Exception {
        fixture.close();
    }

    @Test
    void theExportIsDescribedAsItIsServed() {
        assertEquals(END, client.sizeBytes);
        int expected = Nbd.TRANSMIT_HAS_FLAGS
                | Nbd.TRANSMIT_SEND_FLUSH
                | Nbd.TRANSMIT_SEND_FUA
                | Nbd.TRANSMIT_SEND_TRIM
                | Nbd.TRANSMIT_SEND_WRITE_ZEROES
                | Nbd.TRANSMIT_CAN_MULTI_CONN
                | Nbd.TRANSMIT_SEND_CACHE
                | Nbd.TRANSMIT_SEND_FAST_ZERO;
        assertEquals(expected, client.flags);
    }

    @Test
    void everyConnectionIsToldTheSame() throws Exception {
        NbdTestClient other = fixture.attach();
        assertEquals(client.sizeBytes, other.sizeBytes);
        assertEquals(client.flags, other.flags);
    }

    @Test
    void whatWasNeverWrittenIsZero() throws Exception {
        assertArrayEquals(new byte[10_000], client.read(END - 10_000, 10_000));
    }

    @Test
    void aWriteAtAnyPlaceIsReadBackAndItsNeighboursStay() throws Exception {
        assertEquals(0, client.write(0, bytes(20_000, 1)));
        assertEquals(0, client.write(5001, bytes(7777, 2)));
        byte[] expected = bytes(20_000, 1);
        System.arraycopy(bytes(7777, 2), 0, expected, 5001, 7777);
        assertArrayEquals(expected, client.read(0, 20_000));
        assertEquals(0, client.write(END - 1, bytes(1, 3)));
        assertArrayEquals(bytes(1, 3), client.read(END - 1, 1));
    }

    @ParameterizedTest
    @ValueSource(
            ints = {(64 << 10) - 28, 64 << 10, 68 << 10, 256 << 10, 300_001, 1 << 20, 2 << 20, (2 << 20) + 1, 64 << 20})
    void payloadsOfEverySizeUpToTheLimitGoThrough(int length) throws Exception {
        byte[] data = new byte[length];
        for (int i = 0; i < length; i++) {
            data[i] = (byte) (i * 31 + (i >> 12));
        }
        for (long offset : new long[] {0, 12_345}) {
            assertEquals(0, client.write(offset, data));
            assertArrayEquals(data, client.read(offset, length));
            assertEquals(0, client.command(0, Nbd.CMD_TRIM, 0, END));
        }
    }

    @Test
    void cookiesComeBackBitForBit() throws Exception {
        for (long cookie : new long[] {0, -1, Long.MIN_VALUE, 0x0123_4567_89ab_cdefL}) {
            client.request(0, Nbd.CMD_READ, cookie, 0, 1);
            assertEquals(new Reply(cookie, 0), client.reply());
            client.data(1);
        }
    }

    @Test
    void aPipelineOfRequestsIsAnsweredToTheLastOne() throws Exception {
        int requests = 2000;
        ByteBuffer all = ByteBuffer.allocate(requests * (Nbd.REQUEST_BYTES + 512));
        for (int i = 0; i < requests; i++) {
            all.put(NbdTestClient.header(0, Nbd.CMD_WRITE, i, 512L * i, 512).flip());
            all.put(bytes(512, i));
        }
        client.send(all);
        Set<Long> cookies = new HashSet<>();
        for (int i = 0; i < requests; i++) {
            Reply reply = client.reply();
            assertEquals(0, reply.error());
            assertTrue(cookies.add(reply.cookie()), "answered twice");
        }
        for (int i = 0; i < requests; i++) {
            client.request(0, Nbd.CMD_READ, i, 512L * i, 512);
        }
        for (int i = 0; i < requests; i++) {
            Reply reply = client.reply();
            assertEquals(0, reply.error());
            assertArrayEquals(bytes(512, (int) reply.cookie()), client.data(512));
        }
    }

    // Lengths and flags at their limits

    @ParameterizedTest
    @ValueSource(ints = {Nbd.CMD_READ, Nbd.CMD_WRITE, Nbd.CMD_TRIM, Nbd.CMD_CACHE, Nbd.CMD_WRITE_ZEROES})
    void zeroLengthsSucceed(int type) throws Exception {
        assertEquals(0, client.command(0, type, 0, 0));
        assertEquals(0, client.command(Nbd.CMD_FLAG_FUA, type, END, 0));
        assertInStep();
    }

    @ParameterizedTest
    @ValueSource(longs = {0x8000_0000L, 0xffff_ffffL})
    void trimAndZeroesTakeLengthsUpTo32Bits(long length) throws Exception {
        for (int type : new int[] {Nbd.CMD_TRIM, Nbd.CMD_WRITE_ZEROES}) {
            assertEquals(0, client.write(0, bytes(8192, 1)));
            assertEquals(0, client.write(1000 + length - 10, bytes(20, 2)));
            assertEquals(0, client.command(0, type, 1000, length));
            assertArrayEquals(bytes(1000, 1), client.read(0, 1000));
            assertArrayEquals(new byte[7192], client.read(1000, 7192));
            assertArrayEquals(new byte[10], client.read(1000 + length - 10, 10));
            assertArrayEquals(bytes(10, 2), client.read(1000 + length, 10));
        }
    }

    @Test
    void zeroesOfAFewBytesKeepTheirNeighbours() throws Exception {
        for (int type : new int[] {Nbd.CMD_TRIM, Nbd.CMD_WRITE_ZEROES}) {
            assertEquals(0, client.write(0, bytes(16_384, 9)));
            assertEquals(0, client.command(0, type, 4095, 4098));
            byte[] expected = bytes(16_384, 9);
            System.arraycopy(new byte[4098], 0, expected, 4095, 4098);
            assertArrayEquals(expected, client.read(0, 16_384));
        }
    }

    @Test
    void zeroesMayKeepTheirRoomAndMayHaveToBeFast() throws Exception {
        assertEquals(0, client.write(0, bytes(8192, 9)));
        int flags = Nbd.CMD_FLAG_NO_HOLE | Nbd.CMD_FLAG_FAST_ZERO | Nbd.CMD_FLAG_FUA;
        assertEquals(0, client.command(flags, Nbd.CMD_WRITE_ZEROES, 0, 8192));
        assertArrayEquals(new byte[8192], client.read(0, 8192));
    }

    @Test
    void fuaIsTakenByEveryCommand() throws Exception {
        client.write(Nbd.CMD_FLAG_FUA, 5, 100, bytes(1000, 4));
        assertEquals(new Reply(5, 0), client.reply());
        assertEquals(0, client.command(Nbd.CMD_FLAG_FUA, Nbd.CMD_READ, 100, 1000));
        assertArrayEquals(bytes(1000, 4), client.data(1000));
        assertEquals(0, client.command(Nbd.CMD_FLAG_FUA, Nbd.CMD_FLUSH, 0, 0));
        assertEquals(0, client.command(Nbd.CMD_FLAG_FUA, Nbd.CMD_TRIM, 0, 4096));
        assertEquals(0, client.command(Nbd.CMD_FLAG_FUA, Nbd.CMD_CACHE, 0, 4096));
        assertEquals(0, client.command(Nbd.CMD_FLAG_FUA, Nbd.CMD_WRITE_ZEROES, 0, 4096));
    }

    @Test
    void cacheChangesNothing() throws Exception {
        assertEquals(0, client.write(0, bytes(4096, 8)));
        assertEquals(0, client.command(0, Nbd.CMD_CACHE, 0, 0xffff_ffffL));
        assertArrayEquals(bytes(4096, 8), client.read(0, 4096));
        assertEquals(Nbd.EINVAL, client.command(2, Nbd.CMD_CACHE, 0, 4096));
    }

    // Refusals: after each the stream is in step

    @Test
    void aWriteBeyondTheEndIsRefusedAndItsDataPassedOver() throws Exception {
        assertEquals(Nbd.ENOSPC, client.write(END - 100, bytes(101, 1)));
        assertEquals(Nbd.ENOSPC, client.write(-100, bytes(200, 1)));
        assertEquals(Nbd.ENOSPC, client.write(Long.MAX_VALUE, bytes(4096, 1)));
        assertInStep();
        assertArrayEquals(new byte[100], client.read(END - 100, 100));
    }

    @Test
    void theDataOfALargeRefusedWriteIsPassedOver() throws Exception {
        assertEquals(Nbd.ENOSPC, client.write(END, new byte[48 << 20]));
        assertInStep();
    }

    @Test
    void theDataOfARefusedWriteIsNotTakenForRequests() throws Exception {
        ByteBuffer disguise = ByteBuffer.allocate(Nbd.REQUEST_BYTES);
        disguise.put(NbdTestClient.header(0, Nbd.CMD_DISC, 0, 0, 0).flip());
        assertEquals(Nbd.ENOSPC, client.write(END, disguise.array()));
        assertInStep();
    }

    @Test
    void readsTrimsAndCachesBeyondTheEndAreInvalid() throws Exception {
        for (int type : new int[] {Nbd.CMD_READ, Nbd.CMD_TRIM, Nbd.CMD_CACHE}) {
            assertEquals(Nbd.EINVAL, client.command(0, type, END, 1));
            assertEquals(Nbd.EINVAL, client.command(0, type, -4096, 8192));
            assertEquals(Nbd.EINVAL, client.command(0, type, END - 4096, 0xffff_ffffL));
        }
        assertEquals(Nbd.ENOSPC, client.command(0, Nbd.CMD_WRITE_ZEROES, END - 1, 2));
        assertInStep();
    }

    @Test
    void unknownFlagsAreInvalidAndTheDataIsPassedOver() throws Exception {
        client.write(1 << 5, 9, 0, bytes(5000, 1));
        assertEquals(new Reply(9, Nbd.EINVAL), client.reply());
        assertEquals(Nbd.EINVAL, client.command(Nbd.CMD_FLAG_DF, Nbd.CMD_READ, 0, 4096));
        assertEquals(Nbd.EINVAL, client.command(Nbd.CMD_FLAG_REQ_ONE, Nbd.CMD_FLUSH, 0, 0));
        assertInStep();
        assertArrayEquals(new byte[5000], client.read(0, 5000));
    }

    @ParameterizedTest
    @ValueSource(ints = {7, 8, 0x7fff, 0x8001, 0xffff})
    void unknownCommandsAreInvalid(int type) throws Exception {
        assertEquals(Nbd.EINVAL, client.command(0, type, 0, 4096));
        assertInStep();
    }

    @Test
    void aReadLongerThanTheLimitIsInvalid() throws Exception {
        assertEquals(Nbd.EINVAL, client.command(0, Nbd.CMD_READ, 0, (64 << 20) + 1));
        assertEquals(Nbd.EINVAL, client.command(0, Nbd.CMD_READ, 0, 0xffff_ffffL));
        assertInStep();
    }

    @Test
    void aWriteLongerThanTheLimitEndsTheConnectionUnread() throws Exception {
        client.request(0, Nbd.CMD_WRITE, 1, 0, (64 << 20) + 1);
        assertTrue(client.ended());
    }

    @Test
    void aWrongMagicEndsTheConnectionAndNoOther() throws Exception {
        NbdTestClient other = fixture.attach();
        client.send(ByteBuffer.allocate(Nbd.REQUEST_BYTES)
                .putInt(Nbd.REQUEST_MAGIC + 1)
                .position(Nbd.REQUEST_BYTES));
        assertTrue(client.ended());
        assertEquals(0, other.write(0, bytes(512, 1)));
    }

    @Test
    void aReadOnlyServerRefusesChanges() throws Exception {
        try (ServerFixture readOnly = new ServerFixture(
                AckMode.BUFFERED, options -> options.withAccess(Access.OPEN.withReadOnly(Access.ReadOnly.ALL)))) {
            NbdTestClient reader = readOnly.attach();
            assertNotEquals(0, reader.flags & Nbd.TRANSMIT_READ_ONLY);
            assertEquals(Nbd.EPERM, reader.write(0, bytes(100_000, 1)));
            assertEquals(Nbd.EPERM, reader.command(0, Nbd.CMD_TRIM, 0, 4096));
            assertEquals(Nbd.EPERM, reader.command(0, Nbd.CMD_WRITE_ZEROES, 0, 4096));
            assertEquals(0, reader.flush());
            assertArrayEquals(new byte[100_000], reader.read(0, 100_000));
        }
    }

    private void assertInStep() throws Exception {
        assertEquals(0, client.write(1 << 20, bytes(3000, 6)));
        assertArrayEquals(bytes(3000, 6), client.read(1 << 20, 3000));
    }
}
