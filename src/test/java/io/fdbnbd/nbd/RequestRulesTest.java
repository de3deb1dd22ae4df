package io.fdbnbd.nbd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.params.provider.ValueSource;

class RequestRulesTest {
    private static final long SIZE = 8L << 30;
    private static final int FLAGS = Nbd.TRANSMIT_HAS_FLAGS
            | Nbd.TRANSMIT_SEND_FLUSH
            | Nbd.TRANSMIT_SEND_FUA
            | Nbd.TRANSMIT_SEND_TRIM
            | Nbd.TRANSMIT_SEND_WRITE_ZEROES
            | Nbd.TRANSMIT_SEND_FAST_ZERO
            | Nbd.TRANSMIT_SEND_CACHE;
    private static final Export DISK = new Export("disk", SIZE, FLAGS, 4096);
    private static final Export READ_ONLY = new Export("disk", SIZE, FLAGS | Nbd.TRANSMIT_READ_ONLY, 4096);
    private static final Export BARE = new Export("disk", SIZE, Nbd.TRANSMIT_HAS_FLAGS, 4096);
    private static final long LENGTH_MAX = 0xffff_ffffL;

    /** Commands with a range, and the error of a range that is not inside. */
    record Ranged(int type, int outside) {}

    static final List<Ranged> RANGED = List.of(
            new Ranged(Nbd.CMD_READ, Nbd.EINVAL),
            new Ranged(Nbd.CMD_WRITE, Nbd.ENOSPC),
            new Ranged(Nbd.CMD_TRIM, Nbd.EINVAL),
            new Ranged(Nbd.CMD_CACHE, Nbd.EINVAL),
            new Ranged(Nbd.CMD_WRITE_ZEROES, Nbd.ENOSPC));

    static final List<Integer> COMMANDS =
            List.of(Nbd.CMD_READ, Nbd.CMD_WRITE, Nbd.CMD_FLUSH, Nbd.CMD_TRIM, Nbd.CMD_CACHE, Nbd.CMD_WRITE_ZEROES);

    @ParameterizedTest
    @FieldSource("RANGED")
    void aRangeInsideIsLegalUpToTheLastByte(Ranged command) {
        assertEquals(0, check(DISK, 0, command.type(), 0, 4096));
        assertEquals(0, check(DISK, 0, command.type(), SIZE - 1, 1));
        assertEquals(0, check(DISK, 0, command.type(), 3, 5));
    }

    @ParameterizedTest
    @FieldSource("RANGED")
    void aRangeOutsideHasTheErrorOfItsCommand(Ranged command) {
        int outside = command.outside();
        assertEquals(outside, check(DISK, 0, command.type(), SIZE, 1));
        assertEquals(outside, check(DISK, 0, command.type(), SIZE - 1, 2));
        assertEquals(outside, check(DISK, 0, command.type(), SIZE - 4096, 8192));
        assertEquals(outside, check(DISK, 0, command.type(), Long.MAX_VALUE, 1));
        // Unsigned, and with sums that overflow 64 bits, signed and unsigned.
        assertEquals(outside, check(DISK, 0, command.type(), Long.MAX_VALUE, 4096));
        assertEquals(outside, check(DISK, 0, command.type(), Long.MIN_VALUE, 4096));
        assertEquals(outside, check(DISK, 0, command.type(), -1, 1));
        assertEquals(outside, check(DISK, 0, command.type(), -4096, 4096));
        assertEquals(outside, check(DISK, 0, command.type(), -4096, 8192));
    }

    @ParameterizedTest
    @FieldSource("RANGED")
    void zeroLengthsSucceedInsideAndAtTheEnd(Ranged command) {
        assertEquals(0, check(DISK, 0, command.type(), 0, 0));
        assertEquals(0, check(DISK, 0, command.type(), SIZE, 0));
        assertEquals(command.outside(), check(DISK, 0, command.type(), SIZE + 1, 0));
    }

    @ParameterizedTest
    @ValueSource(ints = {Nbd.CMD_TRIM, Nbd.CMD_WRITE_ZEROES, Nbd.CMD_CACHE})
    void lengthsWithoutPayloadGoUpTo32Bits(int type) {
        assertEquals(0, check(DISK, 0, type, 0, 0x8000_0000L));
        assertEquals(0, check(DISK, 0, type, SIZE - LENGTH_MAX, LENGTH_MAX));
    }

    @Test
    void payloadsGoUpTo64MiB() {
        assertEquals(0, check(DISK, 0, Nbd.CMD_READ, 0, 64 << 20));
        assertEquals(0, check(DISK, 0, Nbd.CMD_WRITE, 0, 64 << 20));
        assertEquals(Nbd.EINVAL, check(DISK, 0, Nbd.CMD_READ, 0, (64 << 20) + 1));
        assertEquals(RequestRules.DISCONNECT, check(DISK, 0, Nbd.CMD_WRITE, 0, (64 << 20) + 1));
        assertEquals(RequestRules.DISCONNECT, check(DISK, 0, Nbd.CMD_WRITE, 0, 0x8000_0000L));
        assertEquals(RequestRules.DISCONNECT, check(DISK, 0xffff, Nbd.CMD_WRITE, -1, LENGTH_MAX));
    }

    @ParameterizedTest
    @FieldSource("COMMANDS")
    void fuaIsLegalEverywhere(int type) {
        long length = type == Nbd.CMD_FLUSH ? 0 : 512;
        assertEquals(0, check(DISK, Nbd.CMD_FLAG_FUA, type, 0, length));
    }

    @ParameterizedTest
    @FieldSource("COMMANDS")
    void aFlagThatDoesNotBelongToTheCommandIsInvalid(int type) {
        long length = type == Nbd.CMD_FLUSH ? 0 : 512;
        for (int bit = 1; bit < 16; bit++) {
            int flag = 1 << bit;
            boolean known =
                    type == Nbd.CMD_WRITE_ZEROES && (flag == Nbd.CMD_FLAG_NO_HOLE || flag == Nbd.CMD_FLAG_FAST_ZERO);
            assertEquals(known ? 0 : Nbd.EINVAL, check(DISK, flag, type, 0, length), "bit " + bit);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {7, 8, 9, 100, 0x7fff, 0x8000, 0xffff})
    void unknownCommandsAreInvalid(int type) {
        assertEquals(Nbd.EINVAL, check(DISK, 0, type, 0, 512));
    }

    @Test
    void aReadOnlyExportRefusesChangesWithEperm() {
        assertEquals(Nbd.EPERM, check(READ_ONLY, 0, Nbd.CMD_WRITE, 0, 512));
        assertEquals(Nbd.EPERM, check(READ_ONLY, 0, Nbd.CMD_TRIM, 0, 512));
        assertEquals(Nbd.EPERM, check(READ_ONLY, 0, Nbd.CMD_WRITE_ZEROES, 0, 512));
        assertEquals(0, check(READ_ONLY, 0, Nbd.CMD_READ, 0, 512));
        assertEquals(0, check(READ_ONLY, 0, Nbd.CMD_FLUSH, 0, 0));
    }

    @Test
    void flushTakesNoRange() {
        assertEquals(0, check(DISK, 0, Nbd.CMD_FLUSH, 0, 0));
        assertEquals(Nbd.EINVAL, check(DISK, 0, Nbd.CMD_FLUSH, 1, 0));
        assertEquals(Nbd.EINVAL, check(DISK, 0, Nbd.CMD_FLUSH, 0, 1));
    }

    @Test
    void whatWasNotAdvertisedIsInvalid() {
        assertEquals(Nbd.EINVAL, check(BARE, 0, Nbd.CMD_FLUSH, 0, 0));
        assertEquals(Nbd.EINVAL, check(BARE, 0, Nbd.CMD_TRIM, 0, 512));
        assertEquals(Nbd.EINVAL, check(BARE, 0, Nbd.CMD_WRITE_ZEROES, 0, 512));
        Export slowZeroes = new Export("disk", SIZE, Nbd.TRANSMIT_HAS_FLAGS | Nbd.TRANSMIT_SEND_WRITE_ZEROES, 4096);
        assertEquals(0, check(slowZeroes, Nbd.CMD_FLAG_NO_HOLE, Nbd.CMD_WRITE_ZEROES, 0, 512));
        assertEquals(Nbd.EINVAL, check(slowZeroes, Nbd.CMD_FLAG_FAST_ZERO, Nbd.CMD_WRITE_ZEROES, 0, 512));
        assertEquals(0, check(BARE, 0, Nbd.CMD_CACHE, 0, 512), "CACHE may come unadvertised");
    }

    @Test
    void flagsAndTypeAreTwoFields() throws ProtocolException {
        ByteBuffer wire = ByteBuffer.allocate(Nbd.REQUEST_BYTES)
                .putInt(Nbd.REQUEST_MAGIC)
                .putShort((short) 0xfffe)
                .putShort((short) 0x8001)
                .putLong(0xfedc_ba98_7654_3210L)
                .putLong(-2)
                .putInt(0x8000_0000)
                .flip();
        Request request = Request.take(wire, Framing.SIMPLE);
        assertEquals(new Request(0xfffe, 0x8001, 0xfedc_ba98_7654_3210L, -2, 0x8000_0000L), request);
        assertEquals(0, wire.remaining());
    }

    @Test
    void aWrongMagicIsNoRequest() {
        ByteBuffer wire = ByteBuffer.allocate(Nbd.REQUEST_BYTES);
        assertThrows(ProtocolException.class, () -> Request.take(wire, Framing.SIMPLE));
    }

    @Test
    void dfIsLegalWithReadsWhereItWasAdvertisedUpToOneChunk() {
        Export structured = DISK.with(Nbd.TRANSMIT_SEND_DF);
        int fits = Nbd.PAYLOAD_ADVERTISED_BYTES_MAX;
        assertEquals(0, check(structured, Nbd.CMD_FLAG_DF, Nbd.CMD_READ, 0, fits));
        assertEquals(0, check(structured, 0, Nbd.CMD_READ, 0, fits + 1));
        assertEquals(Nbd.EOVERFLOW, check(structured, Nbd.CMD_FLAG_DF, Nbd.CMD_READ, 0, fits + 1));
        assertEquals(Nbd.EINVAL, check(structured, Nbd.CMD_FLAG_DF, Nbd.CMD_READ, SIZE, fits + 1));
        assertEquals(Nbd.EINVAL, check(structured, Nbd.CMD_FLAG_DF, Nbd.CMD_WRITE, 0, 4096));
        assertEquals(Nbd.EINVAL, check(DISK, Nbd.CMD_FLAG_DF, Nbd.CMD_READ, 0, 4096));
    }

    @Test
    void messagesOfErrorsFitWhereverAReplyDoes() {
        for (int error = 1; error < 200; error++) {
            String message = Nbd.errorMessage(error);
            assertTrue(!message.isBlank() && message.length() <= Nbd.ERROR_MESSAGE_BYTES_MAX, message);
        }
    }

    private static int check(Export export, int flags, int type, long offset, long length) {
        return RequestRules.check(new Request(flags, type, 0, offset, length), export);
    }
}
