package io.fdbnbd.volume;

import static io.fdbnbd.volume.Rig.NAME;
import static io.fdbnbd.volume.Rig.assertFails;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fdbnbd.store.FaultStore;
import io.fdbnbd.store.FaultStore.Fault;
import io.fdbnbd.store.StoreException;
import io.fdbnbd.store.memory.MemoryStore;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What a process that ends can say of its volumes. */
class StopTest {
    private final FaultStore store = new FaultStore(new MemoryStore());
    private final Rig rig;

    StopTest() throws VolumeException {
        rig = new Rig(
                store,
                VolumeSpec.of(NAME, Rig.SIZE),
                new VolumeOptions(
                        AckMode.BUFFERED, 4 << 20, 2 << 20, Duration.ofMillis(1), false, UncleanPolicy.REFUSE));
    }

    @AfterEach
    void close() throws Exception {
        store.heal();
        rig.close();
    }

    private void failCommits() {
        store.always(call -> call == FaultStore.Call.COMMIT ? Fault.fail(StoreException.Kind.RETRYABLE) : Fault.NONE);
    }

    @Test
    void aStopThatStoredEverythingHasNothingToReport() throws Exception {
        rig.write(0, Rig.BLOCK, 1);
        rig.flush();
        rig.volumes.refuseAttaching();
        rig.detach();
        rig.volumes.requireAllStored();
    }

    @Test
    void whatTheStoreDidNotTakeDuringTheStopIsReported() throws Exception {
        rig.volumes.refuseAttaching();
        assertFails(VolumeException.Kind.SHUTTING_DOWN, () -> rig.volumes.attach(NAME));
        failCommits();
        rig.write(0, Rig.BLOCK, 1);
        rig.detach();
        VolumeException failure = assertFails(VolumeException.Kind.IO, rig.volumes::requireAllStored);
        assertTrue(String.valueOf(failure.getMessage()).contains("'" + NAME + "'"), failure.getMessage());
    }

    @Test
    void aLossLongBeforeTheStopIsNotTheStops() throws Exception {
        failCommits();
        rig.write(0, Rig.BLOCK, 1);
        rig.detach();
        store.heal();
        rig.volumes.refuseAttaching();
        rig.volumes.requireAllStored();
    }

    @Test
    void whatIsAttachedAtTheEndIsReported() {
        rig.volumes.refuseAttaching();
        VolumeException failure = assertFails(VolumeException.Kind.IO, rig.volumes::requireAllStored);
        assertTrue(String.valueOf(failure.getMessage()).contains(NAME), failure.getMessage());
    }
}
