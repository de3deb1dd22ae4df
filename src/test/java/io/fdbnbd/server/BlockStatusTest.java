package io.fdbnbd.server;

import static io.fdbnbd.server.NbdTestClient.bytes;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fdbnbd.nbd.Framing;
import io.fdbnbd.nbd.Nbd;
import io.fdbnbd.nbd.StatusExtent;
import io.fdbnbd.server.ReplyChecker.Answer;
import io.fdbnbd.store.FaultStore.Fault;
import io.fdbnbd.store.StoreException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What clients are told of holes. */
class BlockStatusTest extends FramedRequests {
    private static final int BLOCK = ServerFixture.BLOCK_BYTES;
    private static final int HOLE = Nbd.STATE_HOLE | Nbd.STATE_ZERO;
    private static final long END = ServerFixture.DISK_BYTES;

    BlockStatusTest() {
        super(Framing.STRUCTURED);
    }

    private Answer status(int flags, long offset, long length) throws Exception {
        return command(flags, Nbd.CMD_BLOCK_STATUS, offset, length);
    }

    /** Attaches with these contexts selected, and no other. */
    private void reattach(String... selected) throws Exception {
        NbdTestClient other = fixture.connect();
        other.greet();
        assertEquals(Nbd.REP_ACK, other.negotiate(Nbd.OPT_STRUCTURED_REPLY, new byte[0]));
        for (String volume : selected) {
            other.metaContexts(Nbd.OPT_SET_META_CONTEXT, volume, Nbd.ALLOCATION_CONTEXT);
        }
        assertEquals(Nbd.REP_ACK, other.go(ServerFixture.DISK));
        use(other);
    }

    @Test
    void withoutAContextItIsInvalid() throws Exception {
        reattach();
        assertEquals(Nbd.EINVAL, status(0, 0, BLOCK).error());
    }

    @Test
    void aContextOfTheOnlyVolumeByItsEmptyNameIsGood() throws Exception {
        reattach("");
        assertEquals(0, status(0, 0, BLOCK).error());
    }

    @Test
    void anEmptyDiskIsOneHole() throws Exception {
        long longest = 0xffff_f000L;
        assertEquals(
                List.of(new StatusExtent(longest, HOLE)),
                status(0, BLOCK, longest).extents());
        assertEquals(List.of(new StatusExtent(1, HOLE)), status(0, END - 1, 1).extents());
    }

    @Test
    void dataAndHolesAreExactBeforeAndAfterTheyAreStored() throws Exception {
        write(3 * BLOCK + 100, bytes(BLOCK, 1));
        List<StatusExtent> expected = List.of(
                new StatusExtent(2 * BLOCK, HOLE), new StatusExtent(2 * BLOCK, 0), new StatusExtent(95 * BLOCK, HOLE));
        assertEquals(expected, status(0, BLOCK, 99 * BLOCK).extents());
        assertEquals(0, command(0, Nbd.CMD_FLUSH, 0, 0).error());
        assertEquals(expected, status(0, BLOCK, 99 * BLOCK).extents());
        assertEquals(0, command(0, Nbd.CMD_TRIM, 0, 64 << 10).error());
        assertEquals(
                List.of(new StatusExtent(99 * BLOCK, HOLE)),
                status(0, BLOCK, 99 * BLOCK).extents());
    }

    @Test
    void zeroesThatAreWrittenAreHolesOnceTheyAreStored() throws Exception {
        write(0, bytes(8 * BLOCK, 1));
        write(2 * BLOCK, new byte[BLOCK]);
        assertEquals(0, command(0, Nbd.CMD_FLUSH, 0, 0).error());
        assertEquals(
                List.of(new StatusExtent(2 * BLOCK, 0), new StatusExtent(BLOCK, HOLE), new StatusExtent(5 * BLOCK, 0)),
                status(0, 0, 8 * BLOCK).extents());
    }

    @Test
    void oneExtentIsGivenToWhoAsksForOne() throws Exception {
        write(BLOCK, bytes(BLOCK, 1));
        assertEquals(
                List.of(new StatusExtent(BLOCK, HOLE)),
                status(Nbd.CMD_FLAG_REQ_ONE, 0, 99 * BLOCK).extents());
    }

    @Test
    void moreExtentsThanOneReplyHoldsAreAskedForAgain() throws Exception {
        int count = 1500;
        for (int i = 0; i < count; i++) {
            write(2L * i * BLOCK, bytes(BLOCK, 1));
        }
        List<StatusExtent> all = new ArrayList<>();
        long at = 0;
        int asked = 0;
        while (at < 2L * count * BLOCK) {
            for (StatusExtent extent : status(0, at, 2L * count * BLOCK - at).extents()) {
                all.add(extent);
                at += extent.bytes();
            }
            asked++;
        }
        assertEquals(2 * count, all.size());
        assertTrue(asked > 1);
    }

    @Test
    void outsideOfTheDiskAndNothingAreInvalid() throws Exception {
        assertEquals(Nbd.EINVAL, status(0, END, 1).error());
        assertEquals(Nbd.EINVAL, status(0, END - 1, 2).error());
        assertEquals(Nbd.EINVAL, status(0, 0, 0).error());
        assertEquals(Nbd.EINVAL, status(Nbd.CMD_FLAG_DF, 0, BLOCK).error());
        assertEquals(0, status(Nbd.CMD_FLAG_FUA, 0, BLOCK).error());
    }

    @Test
    void aStoreThatFailsIsAnErrorAndTheConnectionGoesOn() throws Exception {
        fixture.store.onRead(Fault.fail(StoreException.Kind.FATAL));
        assertEquals(Nbd.EIO, status(0, 0, BLOCK).error());
        assertEquals(0, status(0, 0, BLOCK).error());
    }

    @Test
    void itIsAnsweredWithHardlyAnyBuffersToo() throws Exception {
        serveInstead(options -> options.withBufferBytesMax(6 << 20));
        List<ByteBuffer> all = new ArrayList<>();
        ByteBuffer taken;
        while ((taken = fixture.server.sharedBuffers().tryTake(1)) != null) {
            all.add(taken);
        }
        write(BLOCK, bytes(BLOCK, 1));
        assertEquals(2, status(0, 0, 2 * BLOCK).extents().size());
        fixture.store.onRead(Fault.fail(StoreException.Kind.FATAL));
        assertEquals(Nbd.EIO, status(0, 0, BLOCK).error());
        all.forEach(fixture.server.sharedBuffers()::give);
    }
}
