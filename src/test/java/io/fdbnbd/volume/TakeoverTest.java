package io.fdbnbd.volume;

import static io.fdbnbd.volume.Rig.assertFails;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fdbnbd.store.Batch;
import io.fdbnbd.store.FaultStore.Fault;
import io.fdbnbd.store.StoreException;
import io.fdbnbd.store.StoreException.Kind;
import io.fdbnbd.util.Ticker;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.InstantSource;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Time is turned by hand: every pause takes what it says, and nothing else takes any. */
class TakeoverTest {

    private final WatchedStore store = new WatchedStore().share();
    private final AtomicLong nanos = new AtomicLong(Long.MAX_VALUE - 100);

    @SuppressWarnings("NullAway.Init")
    private VolumeInfo info;

    @BeforeEach
    void createVolume() throws Exception {
        info = new Catalog(store, InstantSource.system()).create(VolumeSpec.of("v", 1 << 20));
        beat(0);
    }

    @AfterEach
    void closeStore() throws Exception {
        store.close();
    }

    private void beat(long beat) throws StoreException {
        store.commit(new Batch().set(Keys.lease(info.layer()), new byte[] {(byte) beat}));
    }

    private interface Meanwhile {
        void run() throws StoreException;
    }

    /** Waits for permission, while something else happens at every look; returns how long that took. */
    private Duration await(boolean atOnce, Meanwhile meanwhile) throws VolumeException {
        long began = nanos.get();
        Takeover takeover = new Takeover(store, atOnce, nanos::get, duration -> {
            nanos.addAndGet(duration.toNanos());
            try {
                meanwhile.run();
            } catch (StoreException e) {
                throw new AssertionError(e);
            }
        });
        takeover.awaitPermission(info, "the other server", new Rig.Impatient());
        return Duration.ofNanos(nanos.get() - began);
    }

    @Test
    void whoIsSilentForTheLengthOfALeaseIsTakenFor() throws Exception {
        assertEquals(Takeover.LEASE_LENGTH, await(false, () -> {}));
    }

    @Test
    void whoBeatsIsAliveAndNamed() throws Exception {
        AtomicLong looks = new AtomicLong();
        VolumeException failure = assertFails(
                VolumeException.Kind.BUSY,
                () -> await(false, () -> {
                    if (looks.incrementAndGet() == 19) {
                        beat(1);
                    }
                }));
        assertTrue(failure.getMessage().contains("the other server"), failure.getMessage());
    }

    @Test
    void whoNeverBeatIsTakenFor() throws Exception {
        store.commit(new Batch().clear(Keys.lease(info.layer())));
        assertEquals(Takeover.LEASE_LENGTH, await(false, () -> {}));
    }

    @Test
    void whoMustNotWaitDoesNot() throws Exception {
        assertEquals(Duration.ZERO, await(true, () -> {}));
    }

    @Test
    void aLookThatFailsInPassingIsTakenAgain() throws Exception {
        assertEquals(Takeover.LEASE_LENGTH, await(false, () -> store.faults().onRead(Fault.fail(Kind.RETRYABLE))));
    }

    @Test
    void aLookThatFailsForGoodIsTold() {
        store.faults().onRead(Fault.fail(Kind.FATAL));
        assertFails(VolumeException.Kind.IO, () -> await(false, () -> {}));
    }

    /** Between a server that lives and one that wants its volume: who lives keeps it, and beats under its guard. */
    @Test
    void anAttachedVolumeBeats() throws Exception {
        try (Rig rig = Rig.on(new WatchedStore().share())) {
            byte[] key = Keys.lease(rig.info().layer());
            while (rig.store.get(key) == null) {
                Thread.onSpinWait();
            }
            rig.write(0, 10, 1);
            rig.flush();
        }
    }

    @Test
    void aVolumeOfAServerThatLivesIsNotDeleted() throws Exception {
        WatchedStore shared = new WatchedStore().share();
        try (Rig rig = Rig.on(shared)) {
            Volumes other = new Volumes(shared, Rig.options(AckMode.BUFFERED, 32 << 20), Ticker.SYSTEM);
            VolumeException refusal = assertFails(VolumeException.Kind.BUSY, () -> other.delete(Rig.NAME));
            assertTrue(refusal.getMessage().contains(Holder.thisProcess()), refusal.getMessage());
            rig.write(0, 10, 1);
            rig.flush();
            rig.detach();
            other.delete(Rig.NAME);
            assertFails(VolumeException.Kind.MISSING, rig::attach);
            rig.volumes.catalog().create(VolumeSpec.of(Rig.NAME, Rig.SIZE));
            rig.attach();
            other.close();
        }
    }

    /** Between the takeover and the moment when the displaced owner learns of it, only the age of its proof counts. */
    @Test
    void whatIsInTheBufferIsReadOnlyWhileOwnershipIsProven() throws Exception {
        WatchedStore shared = new WatchedStore().share();
        CountDownLatch hold = new CountDownLatch(1);
        CountDownLatch reached = new CountDownLatch(1);
        try (Rig rig = Rig.on(shared)) {
            shared.watch(rig.info().layer());
            shared.beforeEachCommit(() -> {
                reached.countDown();
                hold.await();
            });
            rig.write(0, Rig.BLOCK, 1);
            rig.volume().zero(1 << 20, 1 << 20, null);
            Rig.await(reached);
            assertTrue(rig.volume().tryRead(0, ByteBuffer.allocate(10)));
            assertTrue(rig.volume().tryRead(1 << 20, ByteBuffer.allocate(10)));
            shared.letProofsExpire();
            assertFalse(rig.volume().tryRead(0, ByteBuffer.allocate(10)));
            assertFalse(rig.volume().tryRead(1 << 20, ByteBuffer.allocate(10)));
            rig.assertReads(1, 0, Rig.BLOCK);
            shared.faults().commit(new Batch().set(Keys.owner(rig.info().layer()), Rig.filled(24, 77)));
            assertFails(VolumeException.Kind.LOST_OWNERSHIP, () -> rig.read(0, Rig.BLOCK));
            hold.countDown();
        }
    }
}
