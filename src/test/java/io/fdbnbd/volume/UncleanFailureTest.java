package io.fdbnbd.volume;

import static io.fdbnbd.volume.Rig.BLOCK;
import static io.fdbnbd.volume.Rig.DEADLINE_SECONDS;
import static io.fdbnbd.volume.Rig.NAME;
import static io.fdbnbd.volume.Rig.assertFails;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.fdbnbd.metrics.Meter;
import io.fdbnbd.store.FaultStore;
import io.fdbnbd.store.FaultStore.Call;
import io.fdbnbd.store.FaultStore.Fault;
import io.fdbnbd.store.StoreException.Kind;
import io.fdbnbd.store.memory.MemoryStore;
import io.fdbnbd.util.Ticker;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A gap without a crash: what a server that lives can not store; and a mark that comes at a bad moment. */
class UncleanFailureTest {

    private final FaultStore store = new FaultStore(new MemoryStore());

    @SuppressWarnings("NullAway.Init")
    private Rig rig;

    /** Says of everything that others left that it is accepted, and waits for nothing when it closes a volume. */
    @BeforeEach
    void open() throws Exception {
        VolumeOptions options = new VolumeOptions(
                AckMode.BUFFERED, 4 << 20, 2 << 20, Duration.ofMillis(1), false, UncleanPolicy.ACCEPT);
        rig = new Rig(store, VolumeSpec.of(NAME, Rig.SIZE), options);
    }

    @AfterEach
    void close() throws Exception {
        store.heal();
        rig.close();
    }

    private void awaitMarked() throws Exception {
        CompletableFuture<Boolean> marked = new CompletableFuture<>();
        rig.volume().whenMarked(failure -> marked.complete(failure == null));
        assertEquals(true, marked.get(DEADLINE_SECONDS, TimeUnit.SECONDS));
    }

    private byte @Nullable [] mark() throws Exception {
        return store.get(Keys.mark(rig.info().layer()));
    }

    private void assertRecovers() throws Exception {
        assertFails(VolumeException.Kind.UNCLEAN, rig::attach);
        assertEquals(Optional.of(Holder.thisProcess()), rig.volumes.recover(NAME));
        rig.attach();
        assertNull(mark());
    }

    /** Its clients may have stayed connected to this very server. */
    @Test
    void aVolumeThatFailedHereIsNotAcceptedHere() throws Exception {
        awaitMarked();
        store.onCommit(Fault.fail(Kind.FATAL));
        rig.write(0, BLOCK, 1);
        assertFails(VolumeException.Kind.IO, () -> rig.volume().flush());
        rig.detach();
        assertRecovers();
        rig.assertReads(0, 0, BLOCK);
    }

    @Test
    void aVolumeThatCouldNotBeClosedInTimeStaysMarkedThoughTheStoreComesBack() throws Exception {
        awaitMarked();
        store.always(call -> call == Call.COMMIT ? Fault.fail(Kind.RETRYABLE) : Fault.NONE);
        rig.write(0, BLOCK, 1);
        rig.detach();
        store.heal();
        assertRecovers();
    }

    /** Its owner lives, and answers its first write just when somebody has found the volume clean and takes it. */
    @Test
    void whatIsMarkedDuringATakeoverIsRefused() throws Exception {
        Volumes taker = new Volumes(
                store,
                Rig.options(AckMode.BUFFERED, 32 << 20),
                Environment.real(Ticker.SYSTEM).withAttempts(Rig.Impatient::new),
                name -> Meter.NONE);
        CountDownLatch hold = new CountDownLatch(1);
        CountDownLatch reached = new CountDownLatch(1);
        store.onCommit(Fault.delay(hold, reached));
        FutureTask<Attachment> attaching = Rig.start(() -> taker.attach(NAME));
        Rig.await(reached);
        awaitMarked();
        hold.countDown();
        ExecutionException refused =
                assertThrows(ExecutionException.class, () -> attaching.get(DEADLINE_SECONDS, TimeUnit.SECONDS));
        assertFails(VolumeException.Kind.UNCLEAN, () -> {
            throw refused.getCause();
        });
        assertNotNull(mark(), "refused to whoever comes next, too");
        taker.close();
    }
}
