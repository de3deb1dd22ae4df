package io.fdbnbd.volume;

import static io.fdbnbd.volume.Rig.BLOCK;
import static io.fdbnbd.volume.Rig.DEADLINE_SECONDS;
import static io.fdbnbd.volume.Rig.assertFails;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fdbnbd.store.FaultStore;
import io.fdbnbd.store.FaultStore.Call;
import io.fdbnbd.store.FaultStore.Fault;
import io.fdbnbd.store.StoreException;
import io.fdbnbd.store.StoreException.Kind;
import io.fdbnbd.store.memory.MemoryStore;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A mark beside the volume's own, on a clock that is turned by hand and looked at all the time. */
class UncleanMarkTest {

    private final FaultStore store = new FaultStore(new MemoryStore());
    private final AtomicLong nanos = new AtomicLong();
    private final AtomicLong looks = new AtomicLong();

    @SuppressWarnings("NullAway.Init")
    private Rig rig;

    @SuppressWarnings("NullAway.Init")
    private UncleanMark mark;

    @BeforeEach
    void open() throws Exception {
        rig = Rig.on(store);
        mark = rig.volume().markOf(this::look, Duration.ofNanos(1));
    }

    @AfterEach
    void close() throws Exception {
        store.heal();
        mark.close();
        rig.close();
    }

    private long look() {
        looks.incrementAndGet();
        return nanos.get();
    }

    private void awaitLooks(int count) {
        long until = looks.get() + count;
        while (looks.get() < until) {
            Thread.onSpinWait();
        }
    }

    private CompletableFuture<Void> whenSet() {
        CompletableFuture<Void> told = new CompletableFuture<>();
        mark.whenSet(failure -> {
            if (failure == null) {
                told.complete(null);
            } else {
                told.completeExceptionally(failure);
            }
        });
        return told;
    }

    private void set() throws Exception {
        whenSet().get(DEADLINE_SECONDS, TimeUnit.SECONDS);
    }

    private boolean isStored() throws StoreException {
        return store.get(Keys.mark(rig.info().layer())) != null;
    }

    private void awaitCleared() throws StoreException {
        while (isStored() || mark.isSet()) {
            Thread.onSpinWait();
        }
    }

    @Test
    void itIsStoredAndSyncedBeforeAnybodyIsTold() throws Exception {
        assertFalse(mark.isSet() || isStored());
        CountDownLatch hold = new CountDownLatch(1);
        CountDownLatch reached = new CountDownLatch(1);
        store.onSync(Fault.delay(hold, reached));
        CompletableFuture<Void> first = whenSet();
        CompletableFuture<Void> second = whenSet();
        Rig.await(reached);
        assertTrue(isStored());
        assertFalse(mark.isSet() || first.isDone() || second.isDone());
        hold.countDown();
        first.get(DEADLINE_SECONDS, TimeUnit.SECONDS);
        second.get(DEADLINE_SECONDS, TimeUnit.SECONDS);
        assertTrue(mark.isSet());
        assertTrue(whenSet().isDone(), "in the middle of a burst it costs nothing");
    }

    @Test
    void itSaysWhoSetIt() throws Exception {
        set();
        Owner.Standing left = UncleanMark.left(store, rig.info());
        assertTrue(left.holder().contains(Long.toString(ProcessHandle.current().pid())), left::holder);
    }

    @Test
    void itIsClearedOnceTheVolumeIsIdleAndSetAgainForTheNextBurst() throws Exception {
        for (int burst = 0; burst < 3; burst++) {
            rig.write(0, BLOCK, burst);
            set();
            rig.flush();
            awaitLooks(2);
            assertTrue(mark.isSet() && isStored(), "not idle for long enough");
            nanos.addAndGet(UncleanMark.IDLE.toNanos());
            awaitCleared();
        }
    }

    @Test
    void writesThatGoOnKeepIt() throws Exception {
        rig.write(0, BLOCK, 1);
        set();
        for (int i = 0; i < 20; i++) {
            nanos.addAndGet(UncleanMark.IDLE.toNanos() / 2 + 1);
            rig.write(0, BLOCK, i);
            awaitLooks(2);
        }
        assertTrue(mark.isSet() && isStored());
    }

    @Test
    void whatIsNotStoredKeepsIt() throws Exception {
        CountDownLatch hold = new CountDownLatch(1);
        CountDownLatch reached = new CountDownLatch(1);
        set();
        store.onCommit(Fault.delay(hold, reached));
        rig.write(0, BLOCK, 1);
        Rig.await(reached);
        awaitLooks(2);
        nanos.addAndGet(10 * UncleanMark.IDLE.toNanos());
        awaitLooks(2);
        assertTrue(mark.isSet() && isStored());
        hold.countDown();
        rig.flush();
        awaitLooks(2);
        nanos.addAndGet(UncleanMark.IDLE.toNanos());
        awaitCleared();
    }

    @Test
    void whatHasCommittedIsSyncedBeforeItIsCleared() throws Exception {
        rig.write(0, BLOCK, 1);
        set();
        while (rig.volume().dirtyBytes() > 0) {
            Thread.onSpinWait();
        }
        CountDownLatch hold = new CountDownLatch(1);
        CountDownLatch reached = new CountDownLatch(1);
        store.onSync(Fault.delay(hold, reached));
        awaitLooks(2);
        nanos.addAndGet(UncleanMark.IDLE.toNanos());
        Rig.await(reached);
        assertTrue(isStored());
        hold.countDown();
        awaitCleared();
    }

    /** Whatever part of the clearing a write meets: it is answered only when the mark is there again. */
    @Test
    void aWriteThatMeetsTheClearingWaitsForTheNextMark() throws Exception {
        set();
        awaitLooks(2);
        CountDownLatch hold = new CountDownLatch(1);
        CountDownLatch reached = new CountDownLatch(1);
        store.onCommit(Fault.delay(hold, reached));
        nanos.addAndGet(UncleanMark.IDLE.toNanos());
        Rig.await(reached);
        assertFalse(mark.isSet());
        CountDownLatch holdNext = new CountDownLatch(1);
        CountDownLatch reachedNext = new CountDownLatch(1);
        store.onCommit(Fault.delay(holdNext, reachedNext));
        CompletableFuture<Void> told = whenSet();
        hold.countDown();
        Rig.await(reachedNext);
        assertFalse(isStored() || told.isDone() || mark.isSet());
        holdNext.countDown();
        told.get(DEADLINE_SECONDS, TimeUnit.SECONDS);
        assertTrue(isStored() && mark.isSet());
    }

    /** The clearing had not been decided on yet when the write was answered; then it is not done. */
    @Test
    void whoClearsLooksAgainForWhatWasAnswered() throws Exception {
        set();
        CountDownLatch hold = new CountDownLatch(1);
        CountDownLatch reached = new CountDownLatch(1);
        store.onSync(Fault.fail(Kind.RETRYABLE), Fault.delay(hold, reached));
        awaitLooks(2);
        nanos.addAndGet(UncleanMark.IDLE.toNanos());
        Rig.await(reached);
        store.always(call -> call == Call.COMMIT ? Fault.fail(Kind.FATAL) : Fault.NONE);
        rig.write(0, BLOCK, 1);
        assertFails(VolumeException.Kind.IO, () -> rig.volume().flush());
        store.heal();
        hold.countDown();
        awaitThreadEnd();
        assertTrue(isStored(), "the volume has failed with what was in it");
    }

    private void awaitThreadEnd() {
        while (Thread.getAllStackTraces().keySet().stream()
                .anyMatch(thread -> thread.getName().equals("mark-" + Rig.NAME))) {
            Thread.onSpinWait();
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = Kind.class,
            names = {"RETRYABLE", "UNKNOWN_OUTCOME", "UNRESOLVED_OUTCOME"})
    void failuresThatPassAreNotSeen(Kind kind) throws Exception {
        for (Fault fault : new Fault[] {Fault.fail(kind), Fault.appliedBut(kind)}) {
            store.onCommit(fault, fault);
            set();
            assertTrue(isStored());
            awaitLooks(2);
            store.onCommit(fault, fault);
            nanos.addAndGet(UncleanMark.IDLE.toNanos());
            awaitCleared();
        }
    }

    @Test
    void ifItCannotBeSetNothingIsAnsweredAnyMore() throws Exception {
        store.onCommit(Fault.fail(Kind.FATAL));
        assertRefused(whenSet());
        assertRefused(whenSet());
        assertFalse(mark.isSet());
        assertFails(VolumeException.Kind.IO, () -> rig.write(0, BLOCK, 1));
    }

    private static void assertRefused(CompletableFuture<Void> told) {
        ExecutionException failure =
                assertThrows(ExecutionException.class, () -> told.get(DEADLINE_SECONDS, TimeUnit.SECONDS));
        assertEquals(
                VolumeException.Kind.IO,
                assertInstanceOf(VolumeException.class, failure.getCause()).kind());
    }

    @Test
    void whatFailedWhileTheMarkWasSetIsNotAnswered() throws Exception {
        CountDownLatch hold = new CountDownLatch(1);
        CountDownLatch reached = new CountDownLatch(1);
        store.onSync(Fault.delay(hold, reached));
        CompletableFuture<Void> told = whenSet();
        Rig.await(reached);
        store.onCommit(Fault.fail(Kind.FATAL));
        rig.write(0, BLOCK, 1);
        assertFails(VolumeException.Kind.IO, () -> rig.volume().flush());
        hold.countDown();
        assertRefused(told);
    }

    @Test
    void whoWasDisplacedDoesNotTouchTheMarkOfItsSuccessor() throws Exception {
        Owner.Standing standing = Owner.Standing.of(store, rig.info());
        Owner.acquire(store, rig.info(), Rig.filled(Owner.SESSION_BYTES, 7), standing, new Rig.Impatient());
        CompletableFuture<Void> told = whenSet();
        assertThrows(ExecutionException.class, () -> told.get(DEADLINE_SECONDS, TimeUnit.SECONDS));
        assertFalse(isStored());
        assertNotNull(rig.volume());
    }
}
