package io.fdbnbd.volume;

import static io.fdbnbd.volume.Rig.BLOCK;
import static io.fdbnbd.volume.Rig.DEADLINE_SECONDS;
import static io.fdbnbd.volume.Rig.NAME;
import static io.fdbnbd.volume.Rig.assertFails;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fdbnbd.store.Batch;
import io.fdbnbd.store.FaultStore;
import io.fdbnbd.store.FaultStore.Fault;
import io.fdbnbd.store.Store;
import io.fdbnbd.store.StoreException;
import io.fdbnbd.store.StoreException.Kind;
import io.fdbnbd.store.memory.MemoryStore;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What clients see of a store that fails, and what becomes of their data. */
class StoreFailureTest {

    private final FaultStore store = new FaultStore(new MemoryStore());

    @SuppressWarnings("NullAway.Init")
    private Rig rig;

    @BeforeEach
    void open() throws Exception {
        rig = Rig.on(store);
    }

    @AfterEach
    void close() throws Exception {
        store.heal();
        rig.close();
    }

    private void takeOver() throws StoreException {
        store.commit(new Batch().set(Keys.owner(rig.info().layer()), Rig.filled(24, 77)));
    }

    private static void assertFate(VolumeException.Kind kind, CompletableFuture<Void> fate) {
        ExecutionException failure =
                assertThrows(ExecutionException.class, () -> fate.get(DEADLINE_SECONDS, TimeUnit.SECONDS));
        assertEquals(
                kind,
                assertInstanceOf(VolumeException.class, failure.getCause()).kind());
    }

    @ParameterizedTest
    @EnumSource(
            value = Kind.class,
            names = {"RETRYABLE", "UNKNOWN_OUTCOME", "UNRESOLVED_OUTCOME"})
    void aCommitThatFailsInPassingIsNotSeen(Kind kind) throws Exception {
        Fault fault = Fault.fail(kind);
        store.onCommit(fault, fault, fault, fault, fault);
        CompletableFuture<Void> fate = rig.writeAndTell(0, 3 * BLOCK, 1);
        fate.get(DEADLINE_SECONDS, TimeUnit.SECONDS);
        rig.flush();
        rig.assertReads(1, 0, 3 * BLOCK);
        assertEquals(5, store.faultCount());
    }

    @ParameterizedTest
    @EnumSource(
            value = Kind.class,
            names = {"UNKNOWN_OUTCOME", "UNRESOLVED_OUTCOME"})
    void aCommitThatWasAppliedUnheardIsRepeated(Kind kind) throws Exception {
        store.onCommit(Fault.appliedBut(kind), Fault.appliedBut(kind), Fault.appliedBut(kind));
        rig.write(0, 3 * BLOCK, 1);
        rig.write(BLOCK, 512, 2);
        rig.volume().zero(2 * BLOCK, 1 << 20, null);
        rig.flush();
        rig.assertReads(1, 0, BLOCK);
        rig.assertReads(2, BLOCK, 512);
        rig.assertReads(0, 2 * BLOCK, 1 << 20);
    }

    @Test
    void aLongOutageIsNotSeen() throws Exception {
        store.always(call -> Fault.fail(Kind.RETRYABLE));
        CompletableFuture<Void> fate = rig.writeAndTell(100, 5, 1);
        FutureTask<Boolean> flush = rig.startFlush();
        while (store.faultCount() < 500) {
            Thread.onSpinWait();
        }
        assertFalse(fate.isDone() || flush.isDone());
        store.heal();
        assertTrue(flush.get(DEADLINE_SECONDS, TimeUnit.SECONDS));
        fate.get(DEADLINE_SECONDS, TimeUnit.SECONDS);
        rig.assertReads(1, 100, 5);
    }

    /** The fence itself meets the outage that left the commit unresolved. */
    @Test
    void anOutageDuringAFenceIsNotSeen() throws Exception {
        store.onCommit(Fault.fail(Kind.UNRESOLVED_OUTCOME));
        store.always(call -> Fault.fail(Kind.RETRYABLE));
        rig.write(0, BLOCK, 1);
        while (store.faultCount() < 500) {
            Thread.onSpinWait();
        }
        store.heal();
        rig.flush();
        rig.assertReads(1, 0, BLOCK);
    }

    @Test
    void aReadThatFailsInPassingIsNotSeen() throws Exception {
        rig.write(0, BLOCK, 1);
        rig.flush();
        store.onRead(Fault.fail(Kind.RETRYABLE), Fault.fail(Kind.RETRYABLE));
        rig.assertReads(1, 0, BLOCK);
        store.onRead(Fault.fail(Kind.RETRYABLE));
        assertFalse(rig.volume().tryRead(0, ByteBuffer.allocate(10)));
        assertTrue(rig.volume().tryRead(0, ByteBuffer.allocate(10)));
    }

    @ParameterizedTest
    @EnumSource(
            value = Kind.class,
            names = {"RETRYABLE", "UNKNOWN_OUTCOME"})
    void aSyncThatFailsInPassingIsNotSeen(Kind kind) throws Exception {
        rig.write(0, BLOCK, 1);
        store.onSync(Fault.fail(kind), Fault.fail(kind));
        rig.flush();
        rig.write(0, BLOCK, 2);
        rig.flush();
        assertEquals(2, store.faultCount());
    }

    /** A read that met the volume's own fence is no takeover: neither the read nor the volume may fail. */
    @Test
    void aFenceDoesNotDisturbReads() throws Exception {
        rig.write(0, BLOCK, 1);
        rig.flush();
        CountDownLatch hold = new CountDownLatch(1);
        CountDownLatch reached = new CountDownLatch(1);
        store.onRead(Fault.delay(hold, reached));
        FutureTask<byte[]> read = Rig.start(() -> rig.read(0, BLOCK));
        Rig.await(reached);
        store.onCommit(Fault.fail(Kind.UNRESOLVED_OUTCOME));
        rig.write(BLOCK, BLOCK, 2);
        rig.flush();
        hold.countDown();
        assertEquals(1, read.get(DEADLINE_SECONDS, TimeUnit.SECONDS)[7]);
        rig.write(0, BLOCK, 3);
        rig.flush();
    }

    @Test
    void aRefusedTryReadIsLeftToTheReadThatWaits() throws Exception {
        store.onRead(Fault.fail(Kind.GUARD_LOST));
        assertFalse(rig.volume().tryRead(0, ByteBuffer.allocate(10)));
        store.onRead(Fault.fail(Kind.GUARD_LOST));
        rig.assertReads(0, 0, BLOCK);
    }

    @Test
    void aFenceDoesNotDisturbTheReadBeforeAPartialWrite() throws Exception {
        rig.write(0, BLOCK, 1);
        rig.flush();
        store.onRead(Fault.fail(Kind.GUARD_LOST));
        rig.write(10, 10, 2);
        rig.flush();
        rig.assertReads(1, 0, 10);
        rig.assertReads(2, 10, 10);
    }

    @Test
    void whoWasTakenOverCommitsAndAnswersNothingMore() throws Exception {
        rig.write(0, BLOCK, 1);
        rig.flush();
        CountDownLatch hold = new CountDownLatch(1);
        CountDownLatch reached = new CountDownLatch(1);
        store.onCommit(Fault.delay(hold, reached));
        CompletableFuture<Void> fate = rig.writeAndTell(0, BLOCK, 2);
        Rig.await(reached);
        takeOver();
        hold.countDown();
        assertFate(VolumeException.Kind.LOST_OWNERSHIP, fate);
        assertFails(VolumeException.Kind.LOST_OWNERSHIP, () -> rig.volume().flush());
        assertFails(VolumeException.Kind.LOST_OWNERSHIP, () -> rig.write(5 * BLOCK, BLOCK, 3));
        assertFails(VolumeException.Kind.LOST_OWNERSHIP, () -> rig.volume().zero(0, 1 << 20, null));
        assertFails(VolumeException.Kind.LOST_OWNERSHIP, () -> rig.read(8 * BLOCK, BLOCK));
        // What is in the buffer may be older than what the new owner has.
        assertFails(VolumeException.Kind.LOST_OWNERSHIP, () -> rig.read(0, BLOCK));
        assertFails(VolumeException.Kind.LOST_OWNERSHIP, () -> rig.volume().tryRead(0, ByteBuffer.allocate(BLOCK)));
        assertEquals(1, rig.stored(0).orElseThrow()[100]);
    }

    @Test
    void aReadThatFindsTheTakeoverEndsTheVolume() throws Exception {
        takeOver();
        assertFails(VolumeException.Kind.LOST_OWNERSHIP, () -> rig.read(0, BLOCK));
        assertFails(VolumeException.Kind.LOST_OWNERSHIP, () -> rig.write(0, BLOCK, 1));
    }

    @Test
    void whoWasTakenOverDuringAFenceIsLost() throws Exception {
        CountDownLatch hold = new CountDownLatch(1);
        CountDownLatch reached = new CountDownLatch(1);
        store.onCommit(Fault.fail(Kind.UNRESOLVED_OUTCOME), Fault.delay(hold, reached));
        rig.write(0, BLOCK, 1);
        Rig.await(reached);
        takeOver();
        hold.countDown();
        assertFails(VolumeException.Kind.LOST_OWNERSHIP, () -> rig.volume().flush());
        assertTrue(rig.stored(0).isEmpty());
    }

    @ParameterizedTest
    @EnumSource(
            value = Kind.class,
            names = {"NO_SPACE", "FATAL"})
    void aCommitThatFailsForGoodEndsTheTakingOfWrites(Kind kind) throws Exception {
        VolumeException.Kind seen = kind == Kind.FATAL ? VolumeException.Kind.IO : VolumeException.Kind.NO_SPACE;
        rig.write(0, BLOCK, 1);
        rig.flush();
        store.onCommit(Fault.fail(kind));
        assertFate(seen, rig.writeAndTell(BLOCK, BLOCK, 2));
        VolumeException failure =
                assertFails(VolumeException.Kind.IO, () -> rig.volume().flush());
        assertEquals("injected: " + kind, failure.getMessage());
        assertFails(VolumeException.Kind.IO, () -> rig.volume().flush());
        assertFails(VolumeException.Kind.IO, () -> rig.write(0, BLOCK, 3));
        assertFails(VolumeException.Kind.IO, () -> rig.volume().zero(0, 1 << 20, null));
        rig.assertReads(1, 0, BLOCK);
        rig.assertReads(2, BLOCK, BLOCK);
        // Attached anew it works again, with what was flushed.
        rig.detach();
        rig.attach();
        rig.assertReads(1, 0, BLOCK);
        rig.assertReads(0, BLOCK, BLOCK);
        rig.write(BLOCK, BLOCK, 4);
        rig.flush();
    }

    /** A bug, or no memory left, on whatever thread a commit runs. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aCommitThatCrashesEndsTheTakingOfWrites(boolean parallel) throws Exception {
        WatchedStore watched = new WatchedStore();
        Store under = parallel ? new ParallelStore(watched, 1, false) : watched;
        try (Rig other = Rig.on(under)) {
            watched.watch(other.info().layer());
            watched.beforeEachCommit(() -> {
                throw new StackOverflowError("injected");
            });
            assertFate(VolumeException.Kind.IO, other.writeAndTell(0, BLOCK, 1));
            ExecutionException failure = assertThrows(
                    ExecutionException.class, () -> other.startFlush().get(DEADLINE_SECONDS, TimeUnit.SECONDS));
            assertInstanceOf(VolumeException.class, failure.getCause());
        }
        assertEquals(1, Rig.committers(), "its committer has not ended");
    }

    @Test
    void aSyncThatFailsForGoodEndsTheTakingOfWrites() throws Exception {
        rig.write(0, BLOCK, 1);
        store.onSync(Fault.fail(Kind.FATAL));
        assertFails(VolumeException.Kind.IO, () -> rig.volume().flush());
        assertFails(VolumeException.Kind.IO, () -> rig.volume().flush());
        assertFails(VolumeException.Kind.IO, () -> rig.write(0, BLOCK, 1));
        rig.assertReads(1, 0, BLOCK);
    }

    @Test
    void whoWaitsForRoomLearnsOfTheFailure() throws Exception {
        rig.detach();
        Rig small = new Rig(store, VolumeSpec.of(NAME, Rig.SIZE), Rig.options(AckMode.BUFFERED, 2 << 20));
        CountDownLatch hold = new CountDownLatch(1);
        CountDownLatch reached = new CountDownLatch(1);
        store.onCommit(Fault.fail(Kind.FATAL).held(hold, reached));
        FutureTask<VolumeException> writer =
                Rig.start(() -> assertThrows(VolumeException.class, () -> small.write(0, 16 << 20, 1)));
        Rig.await(reached);
        hold.countDown();
        assertEquals(
                VolumeException.Kind.IO,
                writer.get(DEADLINE_SECONDS, TimeUnit.SECONDS).kind());
        small.detach();
        rig.attach();
    }

    @Test
    void aWriteThatThrowsTellsItsListenerNothing() throws Exception {
        store.onCommit(Fault.fail(Kind.FATAL));
        CompletableFuture<Void> fate = new CompletableFuture<>();
        // Larger than the buffer: the call is still under way when the commit of its first part fails.
        assertThrows(
                VolumeException.class,
                () -> rig.volume().write(0, ByteBuffer.allocate(96 << 20), failure -> fate.complete(null)));
        rig.detach();
        rig.attach();
        assertFalse(fate.isDone());
    }

    @Test
    void aDamagedBlockFailsItsReadersOnly() throws Exception {
        rig.write(0, 3 * BLOCK, 1);
        rig.flush();
        byte[] value = rig.stored(1).orElseThrow().clone();
        value[100] ^= 1;
        store.commit(new Batch().set(Keys.data(rig.info().layer(), 1), value));
        VolumeException failure = assertFails(VolumeException.Kind.DAMAGED, () -> rig.read(0, 3 * BLOCK));
        assertTrue(failure.getMessage().contains("block 1"), failure.getMessage());
        assertFails(VolumeException.Kind.DAMAGED, () -> rig.volume().tryRead(BLOCK, ByteBuffer.allocate(5)));
        rig.assertReads(1, 0, BLOCK);
        rig.assertReads(1, 2 * BLOCK, BLOCK);
        // Written whole it is well again.
        rig.write(BLOCK, BLOCK, 2);
        rig.flush();
        rig.assertReads(2, BLOCK, BLOCK);
    }

    @Test
    void aPartOfADamagedBlockCanNotBeWritten() throws Exception {
        rig.write(0, BLOCK, 1);
        rig.flush();
        byte[] damaged = Arrays.copyOf(rig.stored(0).orElseThrow(), 10);
        store.commit(new Batch().set(Keys.data(rig.info().layer(), 0), damaged));
        assertFate(VolumeException.Kind.DAMAGED, rig.writeAndTell(10, 10, 2));
        assertFails(VolumeException.Kind.DAMAGED, () -> rig.volume().flush());
        assertEquals(10, rig.stored(0).orElseThrow().length);
    }

    @Test
    void faultsOfAllPassingKindsAtRandomAreNotSeen() throws Exception {
        long seed = Long.getLong("fdbnbd.seed", 11);
        System.out.println("StoreFailureTest: fdbnbd.seed=" + seed);
        store.always(FaultStore.Source.random(seed, 3));
        for (int i = 0; i < 300; i++) {
            rig.write(i * 1000L, 1500, i);
            if (i % 20 == 0) {
                rig.flush();
            }
        }
        rig.flush();
        for (int i = 0; i < 300; i++) {
            rig.assertReads(i, i * 1000L, 1000);
        }
        assertTrue(store.faultCount() > 10, () -> "only " + store.faultCount());
    }

    @Test
    void whatWasClosedWithoutTheStoreTakingItIsReported() throws Exception {
        List<Kind> never = List.of(Kind.RETRYABLE);
        rig.detach();
        VolumeOptions hasty = new VolumeOptions(
                AckMode.BUFFERED, 4 << 20, 2 << 20, java.time.Duration.ofMillis(1), false, UncleanPolicy.REFUSE);
        Rig rash = new Rig(store, VolumeSpec.of(NAME, Rig.SIZE), hasty);
        Volume volume = rash.volume();
        CompletableFuture<Void> fate = rash.writeAndTell(0, BLOCK, 0);
        fate.get(DEADLINE_SECONDS, TimeUnit.SECONDS);
        store.always(call -> call == FaultStore.Call.COMMIT ? Fault.fail(never.getFirst()) : Fault.NONE);
        fate = rash.writeAndTell(0, BLOCK, 1);
        rash.detach();
        assertFate(VolumeException.Kind.IO, fate);
        assertFails(VolumeException.Kind.IO, volume::flush);
        store.heal();
        rig.attach();
        rig.assertReads(0, 0, BLOCK);
    }

    @Test
    void inCommittedModeAWriteIsToldOfWhenItIsSynced() throws Exception {
        FaultStore synced = new FaultStore(new MemoryStore());
        try (Rig committed =
                Rig.on(synced, new VolumeSpec(NAME, Rig.SIZE, BLOCK, Compression.NONE), AckMode.COMMITTED)) {
            CountDownLatch hold = new CountDownLatch(1);
            CountDownLatch reached = new CountDownLatch(1);
            synced.onSync(Fault.delay(hold, reached), Fault.fail(Kind.FATAL));
            CompletableFuture<Void> fate = committed.writeAndTell(0, BLOCK, 1);
            Rig.await(reached);
            assertTrue(committed.stored(0).isPresent());
            assertFalse(fate.isDone());
            hold.countDown();
            fate.get(DEADLINE_SECONDS, TimeUnit.SECONDS);
            assertFate(VolumeException.Kind.IO, committed.writeAndTell(0, BLOCK, 2));
        }
    }

    /** A flush does not sync it any more: to the new owner everything that is stored is old. */
    @Test
    void inCommittedModeWhatWasStoredAndNotSyncedIsSyncedBeforeItCanBeRead() throws Exception {
        FaultStore unsynced = new FaultStore(new MemoryStore());
        try (Rig committed =
                Rig.on(unsynced, new VolumeSpec(NAME, Rig.SIZE, BLOCK, Compression.NONE), AckMode.COMMITTED)) {
            unsynced.onSync(Fault.fail(Kind.NO_SPACE));
            assertFate(VolumeException.Kind.NO_SPACE, committed.writeAndTell(0, BLOCK, 1));
            assertTrue(committed.stored(0).isPresent());
            committed.detach();
            AtomicInteger syncs = new AtomicInteger();
            unsynced.always(call -> {
                if (call == FaultStore.Call.SYNC) {
                    syncs.incrementAndGet();
                }
                return Fault.NONE;
            });
            committed.attach();
            assertTrue(syncs.get() > 0);
            committed.assertReads(1, 0, BLOCK);
        }
    }
}
