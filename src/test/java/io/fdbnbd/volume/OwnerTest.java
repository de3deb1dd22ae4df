package io.fdbnbd.volume;

import static io.fdbnbd.volume.Rig.assertFails;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fdbnbd.store.Batch;
import io.fdbnbd.store.FaultStore;
import io.fdbnbd.store.FaultStore.Fault;
import io.fdbnbd.store.Guard;
import io.fdbnbd.store.StoreException;
import io.fdbnbd.store.StoreException.Kind;
import io.fdbnbd.store.memory.MemoryStore;
import io.fdbnbd.volume.Owner.Standing;
import java.time.InstantSource;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class OwnerTest {

    private final FaultStore store = new FaultStore(new MemoryStore());

    @SuppressWarnings("NullAway.Init")
    private VolumeInfo info;

    private byte sessions;

    @BeforeEach
    void createVolume() throws Exception {
        info = new Catalog(store, InstantSource.system()).create(VolumeSpec.of("v", 1 << 20));
    }

    @AfterEach
    void closeStore() throws Exception {
        store.close();
    }

    private Owner acquire() throws Exception {
        byte[] session = Rig.filled(Owner.SESSION_BYTES, 9);
        session[Owner.SESSION_BYTES - 1] = ++sessions;
        return Owner.acquire(store, info, session, Standing.of(store, info), new Rig.Impatient());
    }

    private void commitUnder(Guard guard) throws StoreException {
        store.commit(new Batch().require(guard).set(Keys.data(info.layer(), 0), new byte[1]));
    }

    private void assertRefused(Guard guard) {
        assertEquals(
                Kind.GUARD_LOST,
                assertThrows(StoreException.class, () -> commitUnder(guard)).kind());
    }

    @Test
    void whoIsDisplacedCommitsNothingMore() throws Exception {
        Owner first = acquire();
        commitUnder(first.guard());
        Owner second = acquire();
        assertRefused(first.guard());
        assertFails(VolumeException.Kind.LOST_OWNERSHIP, () -> first.checkStillOwner(first.guard()));
        commitUnder(second.guard());
        second.checkStillOwner(second.guard());
    }

    @Test
    void whoIsDisplacedDoesNotFenceItsSuccessorOfTheSameProcess() throws Exception {
        Owner first = acquire();
        Owner second = acquire();
        assertFails(VolumeException.Kind.LOST_OWNERSHIP, () -> first.fence(first.guard()));
        assertFails(VolumeException.Kind.LOST_OWNERSHIP, () -> first.release(Owner.Mark.CLEARED));
        commitUnder(second.guard());
    }

    @Test
    void onlyWhatWasSeenIsDisplaced() throws Exception {
        Standing before = Standing.of(store, info);
        acquire();
        assertFails(
                VolumeException.Kind.BUSY,
                () -> Owner.acquire(store, info, new byte[Owner.SESSION_BYTES], before, new Rig.Impatient()));
    }

    /** Its owner let go while this one waited for it to fall silent. */
    @Test
    void whatWasGivenUpMeanwhileIsTaken() throws Exception {
        Owner first = acquire();
        Standing before = Standing.of(store, info);
        first.release(Owner.Mark.CLEARED);
        Owner second = Owner.acquire(store, info, new byte[Owner.SESSION_BYTES], before, new Rig.Impatient());
        commitUnder(second.guard());
    }

    @Test
    void aStandingOfTheSameProcessIsNotForeign() throws Exception {
        acquire();
        Standing standing = Standing.of(store, info);
        byte[] session = Rig.filled(Owner.SESSION_BYTES, 9);
        assertFalse(standing.isForeignTo(session));
        session[0] = 8;
        assertTrue(standing.isForeignTo(session));
    }

    @Test
    void aReleasedVolumeIsNobodys() throws Exception {
        Owner owner = acquire();
        owner.release(Owner.Mark.CLEARED);
        assertFalse(Standing.of(store, info).isForeignTo(new byte[Owner.SESSION_BYTES]));
        acquire();
    }

    @Test
    void aFenceStopsWhatIsUnderTheOldGuard() throws Exception {
        Owner owner = acquire();
        Guard old = owner.guard();
        owner.fence(old);
        assertNotEquals(old, owner.guard());
        assertRefused(old);
        commitUnder(owner.guard());
        Guard fenced = owner.guard();
        owner.fence(old);
        assertEquals(fenced, owner.guard(), "once is enough");
    }

    @Test
    void aFenceOfUnknownOutcomeIsFoundOut() throws Exception {
        Owner owner = acquire();
        for (Kind kind : new Kind[] {Kind.UNKNOWN_OUTCOME, Kind.UNRESOLVED_OUTCOME}) {
            for (Fault fault : new Fault[] {Fault.fail(kind), Fault.appliedBut(kind)}) {
                Guard old = owner.guard();
                store.onCommit(fault);
                owner.fence(old);
                assertRefused(old);
                commitUnder(owner.guard());
            }
        }
    }

    @Test
    void aReleaseThatWasAppliedUnheardIsARelease() throws Exception {
        Owner owner = acquire();
        store.onCommit(Fault.appliedBut(Kind.UNKNOWN_OUTCOME));
        owner.release(Owner.Mark.CLEARED);
        assertFalse(Standing.of(store, info).isForeignTo(new byte[Owner.SESSION_BYTES]));
    }

    /** The fence was applied, then not even reading worked: whoever asks next must not believe in a takeover. */
    @Test
    void anOwnerKnowsAFenceThatWasAppliedUnheard() throws Exception {
        Owner owner = acquire();
        Guard old = owner.guard();
        store.onRead(Fault.NONE, Fault.fail(Kind.RETRYABLE)).onCommit(Fault.appliedBut(Kind.UNKNOWN_OUTCOME));
        assertThrows(StoreException.class, () -> owner.fence(old));
        owner.checkStillOwner(old);
        assertRefused(old);
        commitUnder(owner.guard());
    }

    /** Between the commit of a fence and its answer, the key is ahead of what the owner knows. */
    @Test
    void aFenceUnderWayIsNoTakeover() throws Exception {
        Owner owner = acquire();
        Guard old = owner.guard();
        CountDownLatch hold = new CountDownLatch(1);
        CountDownLatch reached = new CountDownLatch(1);
        store.onCommit(Fault.appliedBut(Kind.UNKNOWN_OUTCOME));
        // The first read is before the attempt, the second looks what it did.
        store.onRead(Fault.NONE, Fault.delay(hold, reached));
        FutureTask<Boolean> fence = Rig.start(() -> {
            owner.fence(old);
            return true;
        });
        Rig.await(reached);
        CountDownLatch asking = new CountDownLatch(1);
        FutureTask<Boolean> check = Rig.start(() -> {
            asking.countDown();
            owner.checkStillOwner(old);
            return true;
        });
        Rig.await(asking);
        // Whether the question comes before the end of the fence or after: the answer is the same.
        for (int i = 0; i < 1000 && !check.isDone(); i++) {
            Thread.onSpinWait();
        }
        hold.countDown();
        fence.get(Rig.DEADLINE_SECONDS, TimeUnit.SECONDS);
        check.get(Rig.DEADLINE_SECONDS, TimeUnit.SECONDS);
    }

    @Test
    void aDeletedVolumeIsMissing() throws Exception {
        Owner owner = acquire();
        new Catalog(store, InstantSource.system()).delete("v");
        assertFails(VolumeException.Kind.LOST_OWNERSHIP, () -> owner.checkStillOwner(owner.guard()));
        assertFails(VolumeException.Kind.LOST_OWNERSHIP, () -> owner.fence(owner.guard()));
        assertFails(VolumeException.Kind.MISSING, this::acquire);
    }
}
