package io.fdbnbd.volume;

import static io.fdbnbd.volume.Rig.BLOCK;
import static io.fdbnbd.volume.Rig.DEADLINE_SECONDS;
import static io.fdbnbd.volume.Rig.NAME;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fdbnbd.store.FaultStore.Fault;
import io.fdbnbd.store.StoreException.Kind;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What is in which transaction, and who waits for whom, staged with commits that are held. */
class CommitOrderTest {

    private final WatchedStore store = new WatchedStore();

    @SuppressWarnings("NullAway.Init")
    private Rig rig;

    private final CountDownLatch hold = new CountDownLatch(1);
    private final CountDownLatch reached = new CountDownLatch(1);

    @BeforeEach
    void open() throws Exception {
        rig = Rig.on(store);
        store.watch(rig.info().layer());
    }

    @AfterEach
    void close() throws Exception {
        hold.countDown();
        rig.close();
    }

    /** Holds the commit of one block, far from where the tests write. */
    private void holdACommit() throws Exception {
        store.faults().onCommit(Fault.delay(hold, reached));
        rig.write(Rig.SIZE - BLOCK, BLOCK, 99);
        Rig.await(reached);
    }

    @Test
    void aHeldCommitDoesNotHoldReads() throws Exception {
        rig.write(0, BLOCK, 1);
        rig.flush();
        holdACommit();
        rig.write(BLOCK, 2 * BLOCK, 2);
        rig.write(2 * BLOCK + 10, 10, 3);
        rig.assertReads(1, 0, BLOCK);
        rig.assertReads(2, BLOCK, BLOCK);
        rig.assertReads(3, 2 * BLOCK + 10, 10);
        rig.assertReads(99, Rig.SIZE - BLOCK, BLOCK);
        ByteBuffer dst = ByteBuffer.allocate(BLOCK);
        assertTrue(rig.volume().tryRead(BLOCK, dst));
        assertEquals(2, dst.get(0));
    }

    @Test
    void aFlushSleepsWithoutATimer() throws Exception {
        holdACommit();
        FutureTask<Void> flush = new FutureTask<>(() -> {
            rig.volume().flush();
            return null;
        });
        assertEquals(Thread.State.WAITING, Rig.sleepOf(Thread.startVirtualThread(flush)));
        hold.countDown();
        flush.get();
    }

    @Test
    void aBlockThatIsOverwrittenWhileACommitIsHeldIsCommittedOnce() throws Exception {
        holdACommit();
        for (int i = 1; i <= 10; i++) {
            rig.write(0, BLOCK, i);
        }
        rig.write(100, 100, 11);
        hold.countDown();
        rig.flush();
        assertEquals(1, store.setCount(0));
        rig.assertReads(11, 100, 100);
        rig.assertReads(10, 200, BLOCK - 200);
    }

    @Test
    void partsThatFillABlockNeedNoRead() throws Exception {
        holdACommit();
        for (int i = 0; i < BLOCK; i += 512) {
            rig.write(i, 512, 1 + i / 512);
        }
        int readsBefore = store.readCount();
        hold.countDown();
        rig.flush();
        assertEquals(readsBefore, store.readCount());
        assertEquals(1, store.setCount(0));
        rig.assertReads(3, 1024, 512);
    }

    /** However many one transaction holds: a store far away answers a hundred questions in the time of one. */
    @Test
    void whatPartsLackIsReadAtOnce() throws Exception {
        rig.write(0, 25 * BLOCK, 1);
        rig.flush();
        holdACommit();
        for (int i = 0; i < 50; i++) {
            rig.write(10 + i * (long) BLOCK, 20, 2);
        }
        int readsBefore = store.readCount();
        hold.countDown();
        rig.flush();
        assertEquals(readsBefore + 1, store.readCount());
        rig.assertReads(2, 24 * BLOCK + 10, 20);
        rig.assertReads(1, 24 * BLOCK + 30, BLOCK - 30);
        rig.assertReads(0, 25 * BLOCK + 30, BLOCK - 30);
    }

    @Test
    void aFlushDoesNotWaitForWhatComesAfterIt() throws Exception {
        rig.write(0, BLOCK, 1);
        rig.flush();
        holdACommit();
        FutureTask<Boolean> flush = rig.startFlush();
        while (!rig.volume().hasFlushWaiting()) {
            Thread.onSpinWait();
        }
        CountDownLatch holdNext = new CountDownLatch(1);
        CountDownLatch reachedNext = new CountDownLatch(1);
        store.faults().onCommit(Fault.delay(holdNext, reachedNext));
        rig.write(0, BLOCK, 2);
        assertFalse(flush.isDone());
        hold.countDown();
        Rig.await(reachedNext);
        flush.get(DEADLINE_SECONDS, TimeUnit.SECONDS);
        holdNext.countDown();
    }

    @Test
    void aFlushWaitsForABlockThatAClearTookThePlaceOf() throws Exception {
        rig.write(0, 64 * BLOCK, 1);
        rig.flush();
        holdACommit();
        rig.write(0, BLOCK, 2);
        FutureTask<Boolean> flush = rig.startFlush();
        while (!rig.volume().hasFlushWaiting()) {
            Thread.onSpinWait();
        }
        CountDownLatch holdNext = new CountDownLatch(1);
        CountDownLatch reachedNext = new CountDownLatch(1);
        store.faults().onCommit(Fault.delay(holdNext, reachedNext));
        rig.volume().zero(0, 32 * BLOCK, null);
        hold.countDown();
        Rig.await(reachedNext);
        assertFalse(flush.isDone(), "the block is neither as it was written nor cleared");
        holdNext.countDown();
        flush.get(DEADLINE_SECONDS, TimeUnit.SECONDS);
        assertTrue(rig.stored(0).isEmpty());
    }

    @Test
    void aFullBufferHoldsWritersUntilACommitLands() throws Exception {
        rig.detach();
        Rig small = new Rig(store, VolumeSpec.of(NAME, Rig.SIZE), Rig.options(AckMode.BUFFERED, 2 << 20));
        CountDownLatch started = new CountDownLatch(1);
        store.faults().onCommit(Fault.delay(hold, reached));
        FutureTask<Boolean> writer = Rig.start(() -> {
            started.countDown();
            small.write(0, 8 << 20, 1);
            return true;
        });
        Rig.await(started);
        Rig.await(reached);
        while (small.volume().dirtyBytes() < 2 << 20) {
            Thread.onSpinWait();
        }
        assertFalse(writer.isDone());
        small.assertReads(1, 0, BLOCK);
        hold.countDown();
        writer.get(DEADLINE_SECONDS, TimeUnit.SECONDS);
        small.assertReads(1, 0, 8 << 20);
        small.flush();
        assertEquals(0, small.volume().dirtyBytes());
        small.detach();
        rig.attach();
    }

    @Test
    void aTebibyteIsClearedByOneOperation() throws Exception {
        rig.detach();
        rig.volumes.delete(NAME);
        Rig huge =
                Rig.on(store, new VolumeSpec(NAME, VolumeSpec.SIZE_BYTES_MAX, 512, Compression.LZ4), AckMode.BUFFERED);
        store.watch(huge.info().layer());
        huge.write(5L << 40, 100, 5);
        huge.flush();
        huge.write((5L << 40) + 512, 100, 5);
        int before = store.operationCount();
        huge.volume().zero(5L << 40, 1L << 40, null);
        huge.assertReads(0, 5L << 40, 1024);
        huge.flush();
        assertTrue(store.operationCount() - before <= 2, () -> store.operationCount() - before + " operations");
        huge.assertReads(0, 5L << 40, 1024);
        // And the end of the largest volume.
        huge.write(VolumeSpec.SIZE_BYTES_MAX - 1, 1, 6);
        huge.flush();
        huge.assertReads(6, VolumeSpec.SIZE_BYTES_MAX - 1, 1);
        huge.volume().zero(0, VolumeSpec.SIZE_BYTES_MAX, null);
        huge.flush();
        huge.assertReads(0, VolumeSpec.SIZE_BYTES_MAX - 600, 600);
        assertEquals(0, store.rowCount());
        huge.detach();
        rig.attach();
    }

    /** Cleared and written again while a commit of the same block is held: three versions, one after the other. */
    @Test
    void aClearWaitsForTheBlocksInFlightAndIsWaitedFor() throws Exception {
        store.faults().onCommit(Fault.delay(hold, reached));
        rig.write(3 * BLOCK, BLOCK, 1);
        Rig.await(reached);
        rig.volume().zero(0, 32 * BLOCK, null);
        rig.assertReads(0, 3 * BLOCK, BLOCK);
        rig.write(3 * BLOCK + 100, 100, 2);
        rig.volume().zero(16 * BLOCK, 32 * BLOCK, null);
        rig.write(20 * BLOCK, BLOCK, 3);
        hold.countDown();
        rig.flush();
        rig.assertReads(0, 3 * BLOCK, 100);
        rig.assertReads(2, 3 * BLOCK + 100, 100);
        rig.assertReads(3, 20 * BLOCK, BLOCK);
        rig.assertReads(0, 21 * BLOCK, 27 * BLOCK);
    }

    /** More blocks than fit into one transaction were superseded, and the one behind them lacks its other bytes. */
    @Test
    void aPartialBlockBehindManySupersededOnesIsCommitted() throws Exception {
        holdACommit();
        int inOneBatch = store.blocksInOneBatch();
        rig.write(0, inOneBatch * BLOCK, 1);
        rig.write((long) inOneBatch * BLOCK, 2 * inOneBatch * BLOCK, 2);
        rig.write(4L * inOneBatch * BLOCK, 10, 3);
        rig.volume().zero((long) inOneBatch * BLOCK, 2L * inOneBatch * BLOCK, null);
        hold.countDown();
        rig.flush();
        rig.assertReads(1, 0, inOneBatch * BLOCK);
        rig.assertReads(0, (long) inOneBatch * BLOCK, 2 * inOneBatch * BLOCK);
        rig.assertReads(3, 4L * inOneBatch * BLOCK, 10);
    }

    /** As a discard of a whole disk, piece by piece, looks to a store that is slow. */
    @Test
    void manyAdjacentClearsBecomeOne() throws Exception {
        rig.detach();
        rig.volumes.delete(NAME);
        Rig fine = new Rig(
                store, new VolumeSpec(NAME, Rig.SIZE, 512, Compression.NONE), Rig.options(AckMode.COMMITTED, 32 << 20));
        store.watch(fine.info().layer());
        store.faults().onCommit(Fault.delay(hold, reached));
        fine.write(Rig.SIZE - 512, 512, 1);
        Rig.await(reached);
        int before = store.operationCount();
        List<CompletableFuture<Void>> fates = new ArrayList<>();
        int pieces = 50_000;
        int piece = WriteBuffer.CLEAR_BLOCKS_MIN * 512;
        for (int i = 0; i < pieces; i++) {
            CompletableFuture<Void> fate = new CompletableFuture<>();
            fates.add(fate);
            fine.volume().zero((long) i * piece, piece, failure -> fate.complete(null));
        }
        hold.countDown();
        CompletableFuture.allOf(fates.toArray(CompletableFuture[]::new)).get(DEADLINE_SECONDS, TimeUnit.SECONDS);
        fine.flush();
        assertTrue(store.operationCount() - before <= 2);
        assertEquals(0, fine.volume().dirtyBytes());
        fine.detach();
        rig.attach();
    }

    /** Every commit is followed by another clear: the committer always has something else to do. */
    @Test
    void clearsNeverKeepWritesFromBeingCommitted() throws Exception {
        int rounds = 400;
        int[] round = new int[1];
        long far = 512L << 20;
        store.beforeEachCommit(() -> {
            if (round[0]++ < rounds) {
                for (int i = 0; i < 64; i++) {
                    // Superseded at once: what is announced and needs no commit.
                    rig.write(far + (long) i * BLOCK, BLOCK, 1);
                }
                rig.volume().zero(far, 64 * BLOCK, null);
                if (round[0] == 1) {
                    rig.write(0, BLOCK, 5);
                }
            }
        });
        rig.write(Rig.SIZE - BLOCK, BLOCK, 1);
        while (store.setCount(0) == 0) {
            Thread.onSpinWait();
        }
        assertTrue(store.commitsUntilSet(0) < 5, () -> "it waited for " + store.commitsUntilSet(0) + " commits");
        rig.flush();
        while (round[0] < rounds) {
            rig.flush();
        }
        rig.flush();
    }

    @Test
    void aWriteIsToldOnceWhateverBecomesOfItsBlocks() throws Exception {
        holdACommit();
        CompletableFuture<Void> first = rig.writeAndTell(0, 20 * BLOCK, 1);
        CompletableFuture<Void> second = rig.writeAndTell(BLOCK, 10, 2);
        rig.volume().zero(0, 16 * BLOCK, null);
        CompletableFuture<Void> third = rig.writeAndTell(0, 10, 3);
        assertFalse(first.isDone() || second.isDone() || third.isDone());
        hold.countDown();
        CompletableFuture.allOf(first, second, third).get(DEADLINE_SECONDS, TimeUnit.SECONDS);
        rig.assertReads(1, 16 * BLOCK, 4 * BLOCK);
        rig.assertReads(0, 10, 16 * BLOCK - 10);
    }

    @Test
    void writesOfNothingAreTold() throws Exception {
        CompletableFuture<Void> write = rig.writeAndTell(0, 0, 1);
        assertTrue(write.isDone());
        CompletableFuture<Void> zero = new CompletableFuture<>();
        rig.volume().zero(Rig.SIZE, 0, failure -> zero.complete(null));
        assertTrue(zero.isDone());
        rig.volume().read(Rig.SIZE, ByteBuffer.allocate(0));
    }

    @Test
    void anUnresolvedCommitIsFencedBeforeItIsTriedAgain() throws Exception {
        byte[] owner = store.get(Keys.owner(rig.info().layer()));
        store.keepBatches();
        store.faults()
                .onCommit(Fault.fail(Kind.UNRESOLVED_OUTCOME), Fault.fail(Kind.RETRYABLE), Fault.fail(Kind.RETRYABLE));
        rig.write(0, BLOCK, 1);
        rig.flush();
        rig.write(0, BLOCK, 2);
        rig.flush();
        assertFalse(
                java.util.Arrays.equals(owner, store.get(Keys.owner(rig.info().layer()))));
        // The first attempt comes late, under its guard, and finds itself fenced off.
        assertEquals(Kind.GUARD_LOST, store.applyLate(0));
        rig.assertReads(2, 0, BLOCK);
    }
}
