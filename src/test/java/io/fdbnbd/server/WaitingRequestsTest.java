package io.fdbnbd.server;

import static io.fdbnbd.server.NbdTestClient.bytes;
import static io.fdbnbd.store.FaultStore.Fault.NONE;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fdbnbd.nbd.Nbd;
import io.fdbnbd.server.NbdTestClient.Reply;
import io.fdbnbd.store.FaultStore;
import io.fdbnbd.store.FaultStore.Fault;
import io.fdbnbd.store.StoreException;
import io.fdbnbd.volume.AckMode;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Requests that have to wait for the store: what overtakes them, what they cover, and how they fail. */
@Timeout(60)
class WaitingRequestsTest {
    private static final int CHUNK = BufferPool.READ_CHUNK_BYTES;

    private final CountDownLatch hold = new CountDownLatch(1);
    private final CountDownLatch reached = new CountDownLatch(1);
    private ServerFixture fixture;
    private NbdTestClient client;

    @BeforeEach
    void attach() throws Exception {
        fixture = new ServerFixture();
        client = fixture.attach();
    }

    @AfterEach
    void close() throws Exception {
        hold.countDown();
        fixture.close();
    }

    @Test
    void aReadThatWaitsIsOvertakenByWhatDoesNot() throws Exception {
        assertEquals(0, client.write(0, bytes(4096, 1)));
        fixture.letReadsWait(client);
        fixture.store.onRead(Fault.delay(hold, reached));
        client.request(0, Nbd.CMD_READ, 1, 0, 4096);
        client.write(0, 2, 8192, bytes(4096, 2));
        assertEquals(new Reply(2, 0), client.reply());
        reached.await();
        hold.countDown();
        assertEquals(new Reply(1, 0), client.reply());
        assertArrayEquals(bytes(4096, 1), client.data(4096));
    }

    @Test
    void readsOfOneGulpAreMadeTogetherAndEachIsAnswered() throws Exception {
        int requests = 3 * 16 + 5;
        assertEquals(0, client.write(0, bytes(512 * requests, 1)));
        fixture.letReadsWait(client);
        AtomicInteger calls = new AtomicInteger();
        fixture.store.always(call -> {
            calls.addAndGet(call == FaultStore.Call.READ ? 1 : 0);
            return NONE;
        });
        ByteBuffer all = ByteBuffer.allocate(requests * Nbd.REQUEST_BYTES);
        for (int i = 0; i < requests; i++) {
            all.put(NbdTestClient.header(0, Nbd.CMD_READ, i, 512L * i, 512).flip());
        }
        client.send(all);
        boolean[] answered = new boolean[requests];
        for (int i = 0; i < requests; i++) {
            Reply reply = client.reply();
            assertEquals(0, reply.error());
            int number = (int) reply.cookie();
            byte[] expected = Arrays.copyOfRange(bytes(512 * requests, 1), 512 * number, 512 * number + 512);
            assertArrayEquals(expected, client.data(512));
            answered[number] = true;
        }
        assertFalse(Arrays.toString(answered).contains("false"));
        assertTrue(calls.get() < requests / 2, calls + " calls of the store for " + requests + " reads");
    }

    @Test
    void aConnectionThatBreaksTheProtocolBehindReadsThatWaitEndsAllTheSame() throws Exception {
        assertEquals(0, client.write(0, bytes(4096, 1)));
        fixture.letReadsWait(client);
        client.send(ByteBuffer.allocate(2 * Nbd.REQUEST_BYTES)
                .put(NbdTestClient.header(0, Nbd.CMD_READ, 1, 0, 512).flip())
                .put(new byte[Nbd.REQUEST_BYTES]));
        // Either the reply comes first or not; what counts is that the fixture finds nothing left of the connection.
        client.shutdownOutput();
    }

    @Test
    void aReadSeesEveryWriteAnsweredBeforeItWasSent() throws Exception {
        NbdTestClient other = fixture.attach();
        for (int i = 0; i < 200; i++) {
            assertEquals(0, client.write(4096L * (i % 7) + i, bytes(600, i)));
            assertArrayEquals(bytes(600, i), other.read(4096L * (i % 7) + i, 600));
            fixture.reads.hasNothingAtHand = i % 2 == 0;
        }
    }

    /** So that the next write is answered at once, and the next commit and sync are its own. */
    private void beginBurst() throws Exception {
        assertEquals(0, client.write(1 << 20, bytes(4096, 1)));
        assertEquals(0, client.flush());
    }

    /** What is answered and not stored is gone after a crash, and the volume must know it before the client does. */
    @Test
    void theFirstWriteOfABurstIsAnsweredWhenTheVolumeIsMarked() throws Exception {
        holdCommits(hold);
        client.write(0, 1, 0, bytes(512, 1));
        client.request(0, Nbd.CMD_WRITE_ZEROES, 2, 8192, 4096);
        client.request(0, Nbd.CMD_TRIM, 3, 16384, 4096);
        client.request(0, Nbd.CMD_CACHE, 4, 0, 0);
        assertEquals(new Reply(4, 0), client.reply());
        hold.countDown();
        Set<Reply> replies = new HashSet<>();
        for (int i = 0; i < 3; i++) {
            replies.add(client.reply());
        }
        assertEquals(Set.of(new Reply(1, 0), new Reply(2, 0), new Reply(3, 0)), replies);
        // The store may take its time now: nobody waits for it in the middle of a burst.
        CountDownLatch later = new CountDownLatch(1);
        holdCommits(later);
        assertEquals(0, client.write(0, bytes(4096, 2)));
        fixture.store.heal();
        later.countDown();
    }

    private void holdCommits(CountDownLatch latch) {
        fixture.store.always(call -> call == FaultStore.Call.COMMIT ? Fault.delay(latch, reached) : NONE);
    }

    @Test
    void aMarkThatFailsIsAWriteThatFails() throws Exception {
        fixture.store.always(call -> call == FaultStore.Call.SYNC ? Fault.fail(StoreException.Kind.FATAL) : NONE);
        assertEquals(Nbd.EIO, client.write(0, bytes(4096, 1)));
        fixture.store.heal();
        assertEquals(Nbd.EIO, client.write(0, bytes(4096, 1)));
    }

    @Test
    void aFlushIsAnsweredOnlyWhenWhatItCoversHasCommitted() throws Exception {
        beginBurst();
        fixture.store.onCommit(Fault.delay(hold, reached));
        assertEquals(0, client.write(0, bytes(4096, 1)));
        reached.await();
        client.request(0, Nbd.CMD_FLUSH, 1, 0, 0);
        client.request(0, Nbd.CMD_CACHE, 2, 0, 0);
        assertEquals(new Reply(2, 0), client.reply());
        hold.countDown();
        assertEquals(new Reply(1, 0), client.reply());
    }

    @Test
    void aFlushCoversTheWritesOfOtherConnections() throws Exception {
        NbdTestClient other = fixture.attach();
        beginBurst();
        fixture.store.onCommit(Fault.delay(hold, reached));
        assertEquals(0, client.write(0, bytes(4096, 1)));
        reached.await();
        other.request(0, Nbd.CMD_FLUSH, 1, 0, 0);
        other.request(0, Nbd.CMD_CACHE, 2, 0, 0);
        assertEquals(new Reply(2, 0), other.reply());
        hold.countDown();
        assertEquals(new Reply(1, 0), other.reply());
        assertArrayEquals(bytes(4096, 1), fixture.attach().read(0, 4096));
    }

    @Test
    void aFlushThatFailsSaysSo() throws Exception {
        beginBurst();
        fixture.store.onSync(Fault.fail(StoreException.Kind.FATAL));
        assertEquals(0, client.write(0, bytes(4096, 1)));
        assertEquals(Nbd.EIO, client.flush());
    }

    @Test
    void flushesThatArriveDuringOneShareTheNextAndItsFailure() throws Exception {
        beginBurst();
        assertEquals(0, client.write(0, bytes(4096, 1)));
        AtomicInteger syncs = new AtomicInteger();
        fixture.store.always(call -> {
            if (call != FaultStore.Call.SYNC) {
                return NONE;
            }
            return syncs.incrementAndGet() == 1 ? Fault.delay(hold, reached) : Fault.fail(StoreException.Kind.FATAL);
        });
        client.request(0, Nbd.CMD_FLUSH, 1, 0, 0);
        reached.await();
        Set<Reply> expected = new HashSet<>();
        for (int cookie = 2; cookie < 10; cookie++) {
            client.request(0, Nbd.CMD_FLUSH, cookie, 0, 0);
            expected.add(new Reply(cookie, Nbd.EIO));
        }
        client.request(0, Nbd.CMD_CACHE, 10, 0, 0);
        assertEquals(new Reply(10, 0), client.reply());
        hold.countDown();
        assertEquals(new Reply(1, 0), client.reply());
        Set<Reply> replies = new HashSet<>();
        for (int cookie = 2; cookie < 10; cookie++) {
            replies.add(client.reply());
        }
        assertEquals(expected, replies);
        assertEquals(2, syncs.get());
        fixture.store.heal();
    }

    @Test
    void fuaIsAnsweredOnlyWhenItHasCommittedAndIsSynced() throws Exception {
        for (int type : new int[] {Nbd.CMD_WRITE, Nbd.CMD_TRIM, Nbd.CMD_WRITE_ZEROES}) {
            CountDownLatch commit = new CountDownLatch(1);
            CountDownLatch commitReached = new CountDownLatch(1);
            CountDownLatch sync = new CountDownLatch(1);
            CountDownLatch syncReached = new CountDownLatch(1);
            fixture.store.onCommit(Fault.delay(commit, commitReached)).onSync(Fault.delay(sync, syncReached));
            client.request(Nbd.CMD_FLAG_FUA, type, 1, 0, 8192);
            if (type == Nbd.CMD_WRITE) {
                client.send(ByteBuffer.wrap(bytes(8192, 3)).position(8192));
            }
            commitReached.await();
            assertOvertakes(2);
            commit.countDown();
            syncReached.await();
            assertOvertakes(3);
            sync.countDown();
            assertEquals(new Reply(1, 0), client.reply(), "command " + type);
        }
    }

    @Test
    void aFuaWriteIsSeenByOthersWhenItIsAnswered() throws Exception {
        NbdTestClient other = fixture.attach();
        client.write(Nbd.CMD_FLAG_FUA, 1, 4000, bytes(1000, 5));
        assertEquals(new Reply(1, 0), client.reply());
        assertArrayEquals(bytes(1000, 5), other.read(4000, 1000));
    }

    @Test
    void fuaThatCannotBeSyncedFails() throws Exception {
        fixture.store.onSync(Fault.fail(StoreException.Kind.FATAL));
        client.write(Nbd.CMD_FLAG_FUA, 1, 0, bytes(512, 1));
        assertEquals(new Reply(1, Nbd.EIO), client.reply());
    }

    @Test
    void withAckCommittedAWriteIsAnsweredOnlyWhenItHasCommitted() throws Exception {
        try (ServerFixture committed = new ServerFixture(AckMode.COMMITTED, options -> options)) {
            NbdTestClient careful = committed.attach();
            for (int length : new int[] {4096, 3 << 20}) {
                CountDownLatch commit = new CountDownLatch(1);
                CountDownLatch commitReached = new CountDownLatch(1);
                committed.store.onCommit(Fault.delay(commit, commitReached));
                careful.write(0, 1, 0, bytes(length, 1));
                careful.request(0, Nbd.CMD_CACHE, 2, 0, 0);
                commitReached.await();
                assertEquals(new Reply(2, 0), careful.reply());
                commit.countDown();
                assertEquals(new Reply(1, 0), careful.reply());
            }
            assertEquals(0, careful.command(0, Nbd.CMD_TRIM, 0, 1 << 20));
            assertEquals(0, careful.flush());
        }
    }

    // Failures

    @Test
    void aReadThatTheStoreFailsIsAnErrorAndTheConnectionGoesOn() throws Exception {
        assertEquals(0, client.write(0, bytes(4096, 1)));
        fixture.letReadsWait(client);
        for (int length : new int[] {1, 4096, 300_000, CHUNK}) {
            fixture.store.onRead(Fault.fail(StoreException.Kind.FATAL));
            assertEquals(Nbd.EIO, client.command(0, Nbd.CMD_READ, 0, length));
        }
        assertArrayEquals(bytes(4096, 1), client.read(0, 4096));
    }

    @Test
    void aReadThatFailsAtOnceIsAnErrorAndTheConnectionGoesOn() throws Exception {
        assertEquals(0, client.write(0, bytes(4096, 1)));
        assertEquals(0, client.flush());
        fixture.damageEveryBlock();
        for (int length : new int[] {1, 4096, 300_000, CHUNK, 3 * CHUNK}) {
            assertEquals(Nbd.EIO, client.command(0, Nbd.CMD_READ, 0, length));
        }
        assertArrayEquals(new byte[4096], client.read(4096, 4096));
    }

    @Test
    void aLongReadThatFailsInItsFirstPieceIsAnError() throws Exception {
        fixture.letReadsWait(client);
        fixture.store.onRead(Fault.fail(StoreException.Kind.FATAL));
        assertEquals(Nbd.EIO, client.command(0, Nbd.CMD_READ, 0, 3 * CHUNK));
        assertArrayEquals(new byte[4096], client.read(0, 4096));
    }

    @Test
    void aLongReadThatFailsLaterEndsTheConnectionAtOnce() throws Exception {
        fixture.letReadsWait(client);
        fixture.store.onRead(NONE, Fault.fail(StoreException.Kind.FATAL));
        client.request(0, Nbd.CMD_READ, 1, 0, 3 * CHUNK);
        assertEquals(new Reply(1, 0), client.reply());
        assertArrayEquals(new byte[CHUNK], client.data(CHUNK));
        assertTrue(client.ended(), "nothing may follow that could be taken for data");
    }

    @Test
    void aWriteThatFailsWhileItsDataArrivesIsAnErrorAtItsEnd() throws Exception {
        NbdTestClient other = fixture.attach();
        byte[] data = bytes(2 << 20, 1);
        client.request(0, Nbd.CMD_WRITE, 1, 0, data.length);
        client.send(ByteBuffer.wrap(data).position(1 << 20));
        fixture.store.onCommit(Fault.fail(StoreException.Kind.FATAL));
        // The volume has failed when a FLUSH has; what is written from then on is refused.
        other.write(0, 7, 1L << 30, bytes(512, 1));
        other.reply();
        assertEquals(Nbd.EIO, other.flush());
        client.send(ByteBuffer.allocate(1 << 20).position(1 << 20));
        assertEquals(new Reply(1, Nbd.EIO), client.reply());
        assertEquals(0, client.command(0, Nbd.CMD_CACHE, 0, 0), "in step");
    }

    // The end

    @Test
    void disconnectingFinishesWhatIsOutstandingAndReadsNothingAfterwards() throws Exception {
        assertEquals(0, client.write(0, bytes(4096, 1)));
        fixture.letReadsWait(client);
        fixture.store.onRead(Fault.delay(hold, reached));
        client.request(0, Nbd.CMD_READ, 1, 0, 4096);
        client.disconnect();
        client.write(0, 2, 0, bytes(4096, 2));
        reached.await();
        while (!fixture.server.isAnyEnding()) {
            Thread.onSpinWait();
        }
        hold.countDown();
        assertEquals(new Reply(1, 0), client.reply());
        assertArrayEquals(bytes(4096, 1), client.data(4096));
        assertTrue(client.ended());
        assertArrayEquals(bytes(4096, 1), fixture.attach().read(0, 4096));
    }

    @Test
    void aClientThatSendsNoMoreGetsItsReplies() throws Exception {
        fixture.store.onCommit(Fault.delay(hold, reached));
        client.write(Nbd.CMD_FLAG_FUA, 1, 0, bytes(4096, 1));
        reached.await();
        client.shutdownOutput();
        hold.countDown();
        assertEquals(new Reply(1, 0), client.reply());
        assertTrue(client.ended());
    }

    @Test
    void aWriteWhoseDataEndsHalfwayIsNeverAnswered() throws Exception {
        for (int flags : new int[] {0, Nbd.CMD_FLAG_FUA}) {
            for (int length : new int[] {4096, 300_000}) {
                // Often, for a reply would be on its way while the connection is closed.
                for (int i = 0; i < 50; i++) {
                    NbdTestClient broken = fixture.attach();
                    broken.request(flags, Nbd.CMD_WRITE, 1, 0, length);
                    broken.send(ByteBuffer.allocate(length / 2).position(length / 2));
                    broken.shutdownOutput();
                    assertTrue(broken.ended());
                }
            }
        }
    }

    @Test
    void aClientThatVanishesWithRequestsOutstandingLeavesNothingBehind() throws Exception {
        assertEquals(0, client.write(0, bytes(4096, 1)));
        fixture.letReadsWait(client);
        NbdTestClient vanishing = fixture.attach();
        fixture.store.onRead(Fault.delay(hold, reached));
        vanishing.request(0, Nbd.CMD_READ, 1, 0, 4096);
        vanishing.request(0, Nbd.CMD_READ, 2, 0, 3 * CHUNK);
        reached.await();
        vanishing.close();
        hold.countDown();
        assertArrayEquals(bytes(4096, 1), client.read(0, 4096));
    }

    private void assertOvertakes(long cookie) throws Exception {
        client.request(0, Nbd.CMD_CACHE, cookie, 0, 0);
        assertEquals(new Reply(cookie, 0), client.reply());
    }
}
