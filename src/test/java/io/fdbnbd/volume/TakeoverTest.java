package io.fdbnbd.volume;

import static io.fdbnbd.volume.Rig.assertFails;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fdbnbd.store.Batch;
import io.fdbnbd.store.FaultStore.Fault;
import io.fdbnbd.store.StoreException;
import io.fdbnbd.store.StoreException.Kind;
import java.time.Duration;
import java.time.InstantSource;
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
}
