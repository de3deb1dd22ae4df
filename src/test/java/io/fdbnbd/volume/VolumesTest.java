package io.fdbnbd.volume;

import static io.fdbnbd.volume.Rig.BLOCK;
import static io.fdbnbd.volume.Rig.NAME;
import static io.fdbnbd.volume.Rig.assertFails;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fdbnbd.store.FaultStore;
import io.fdbnbd.store.FaultStore.Fault;
import io.fdbnbd.store.StoreException;
import io.fdbnbd.store.StoreException.Kind;
import io.fdbnbd.store.memory.MemoryStore;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class VolumesTest {

    @Test
    void allAttachmentsShareOneVolume() throws Exception {
        try (Rig rig = Rig.on(new MemoryStore());
                Attachment second = rig.volumes.attach(NAME)) {
            assertSame(rig.volume(), second.volume());
            assertEquals(2, rig.volumes.attachedCount(NAME));
        }
    }

    @Test
    void theLastDetachDrainsAndLetsGo() throws Exception {
        try (Rig rig = Rig.on(new MemoryStore())) {
            Volume first = rig.volume();
            rig.write(0, 10, 7);
            rig.detach();
            assertEquals(0, rig.volumes.attachedCount(NAME));
            assertTrue(isReleased(rig));
            rig.attach();
            assertNotSame(first, rig.volume());
            rig.assertReads(7, 0, 10);
        }
    }

    @Test
    void anAttachmentClosesOnce() throws Exception {
        try (Rig rig = Rig.on(new MemoryStore())) {
            Attachment second = rig.volumes.attach(NAME);
            second.close();
            second.close();
            assertEquals(1, rig.volumes.attachedCount(NAME));
            rig.write(0, BLOCK, 1);
            rig.flush();
        }
    }

    /** Each thread sees what it wrote before it let go last, and in the end nothing is held by anybody. */
    @Test
    void manyThreadsMayAttachAndDetachAtOnce() throws Exception {
        int threads = 8;
        int rounds = 300;
        try (Rig rig = Rig.on(new MemoryStore())) {
            rig.detach();
            CountDownLatch start = new CountDownLatch(1);
            List<FutureTask<Boolean>> tasks = new ArrayList<>();
            for (int thread = 0; thread < threads; thread++) {
                long offset = thread * 512L;
                tasks.add(Rig.start(() -> {
                    start.await();
                    for (int round = 1; round <= rounds; round++) {
                        attachAndCheck(rig.volumes, offset, round);
                    }
                    return true;
                }));
            }
            start.countDown();
            for (FutureTask<Boolean> task : tasks) {
                task.get(Rig.DEADLINE_SECONDS, TimeUnit.SECONDS);
            }
            assertEquals(0, rig.volumes.attachedCount(NAME));
            assertTrue(isReleased(rig), "nobody has the volume attached, and it was not closed");
            assertEquals(0, Rig.committers());
            rig.attach();
            for (int thread = 0; thread < threads; thread++) {
                rig.assertReads((byte) rounds, thread * 512L, 512);
            }
        }
    }

    /** As the connections of one client do. */
    @Test
    void whenAllDetachTogetherTheVolumeIsClosed() throws Exception {
        int threads = 3;
        try (Rig rig = Rig.on(new MemoryStore())) {
            rig.detach();
            CyclicBarrier together = new CyclicBarrier(threads);
            CyclicBarrier checked = new CyclicBarrier(threads, () -> {
                assertEquals(0, rig.volumes.attachedCount(NAME));
                assertTrue(isReleased(rig), "nobody has the volume attached, and it was not closed");
            });
            List<FutureTask<Boolean>> tasks = new ArrayList<>();
            for (int thread = 0; thread < threads; thread++) {
                tasks.add(Rig.start(() -> {
                    for (int round = 0; round < 500; round++) {
                        Attachment attachment = rig.volumes.attach(NAME);
                        together.await(Rig.DEADLINE_SECONDS, TimeUnit.SECONDS);
                        attachment.close();
                        checked.await(Rig.DEADLINE_SECONDS, TimeUnit.SECONDS);
                    }
                    return true;
                }));
            }
            for (FutureTask<Boolean> task : tasks) {
                task.get(Rig.DEADLINE_SECONDS, TimeUnit.SECONDS);
            }
            rig.attach();
        }
    }

    /** A server knows what it left behind itself, and an owner never takes its successor for itself. */
    @Test
    void everyOwnerHasASessionThatBeginsAsItsProcess() throws Exception {
        try (Rig rig = Rig.on(new MemoryStore())) {
            byte[] first = session(rig);
            rig.detach();
            rig.attach();
            byte[] second = session(rig);
            assertFalse(Arrays.equals(first, second));
            assertArrayEquals(Arrays.copyOf(first, Owner.PROCESS_BYTES), Arrays.copyOf(second, Owner.PROCESS_BYTES));
        }
    }

    private static byte[] session(Rig rig) throws StoreException {
        return Arrays.copyOf(Objects.requireNonNull(rig.store.get(Keys.owner(1))), Owner.SESSION_BYTES);
    }

    private static void attachAndCheck(Volumes volumes, long offset, int round) throws VolumeException {
        try (Attachment attachment = volumes.attach(NAME)) {
            ByteBuffer before = ByteBuffer.allocate(512);
            attachment.volume().read(offset, before);
            assertEquals((byte) (round - 1), before.get(100));
            attachment.volume().write(offset, ByteBuffer.wrap(Rig.filled(512, round)), null);
        }
    }

    private static boolean isReleased(Rig rig) {
        try {
            return Arrays.equals(session(rig), new byte[Owner.SESSION_BYTES]);
        } catch (StoreException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void whoComesWhileTheVolumeIsBeingClosedGetsItAnew() throws Exception {
        FaultStore store = new FaultStore(new MemoryStore());
        try (Rig rig = Rig.on(store)) {
            CountDownLatch hold = new CountDownLatch(1);
            CountDownLatch reached = new CountDownLatch(1);
            Volume first = rig.volume();
            store.onSync(Fault.delay(hold, reached));
            FutureTask<Boolean> closing = Rig.start(() -> {
                rig.detach();
                return true;
            });
            Rig.await(reached);
            FutureTask<Attachment> attaching = Rig.start(() -> rig.volumes.attach(NAME));
            hold.countDown();
            closing.get(Rig.DEADLINE_SECONDS, TimeUnit.SECONDS);
            try (Attachment second = attaching.get(Rig.DEADLINE_SECONDS, TimeUnit.SECONDS)) {
                assertNotSame(first, second.volume());
                second.volume().write(0, ByteBuffer.allocate(10), null);
                second.volume().flush();
            }
        }
    }

    @Test
    void aMissingVolumeLeavesNothingBehind() throws Exception {
        try (Rig rig = Rig.on(new MemoryStore())) {
            assertFails(VolumeException.Kind.MISSING, () -> rig.volumes.attach("other"));
            assertEquals(0, rig.volumes.attachedCount("other"));
        }
    }

    @Test
    void anAttachedVolumeIsNotDeleted() throws Exception {
        try (Rig rig = Rig.on(new MemoryStore())) {
            rig.write(0, BLOCK, 5);
            assertFails(VolumeException.Kind.BUSY, () -> rig.volumes.delete(NAME));
            rig.flush();
            rig.assertReads(5, 0, BLOCK);
            rig.detach();
            int layer = rig.volumes.catalog().find(NAME).orElseThrow().layer();
            rig.volumes.delete(NAME);
            assertEquals(0, rig.volumes.attachedCount(NAME));
            assertEquals(List.of(), rig.volumes.catalog().list().volumes());
            assertEquals(null, rig.store.get(Keys.data(layer, 0)));
            assertEquals(null, rig.store.get(Keys.owner(layer)));
            assertFails(VolumeException.Kind.MISSING, () -> rig.volumes.delete(NAME));
            rig.volumes.catalog().create(VolumeSpec.of(NAME, 1 << 20));
            rig.attach();
            rig.assertReads(0, 0, BLOCK);
        }
    }

    @Test
    void nothingIsAttachedAfterTheClose() throws Exception {
        try (Rig rig = Rig.on(new MemoryStore())) {
            rig.detach();
            rig.volumes.close();
            assertFails(VolumeException.Kind.SHUTTING_DOWN, () -> rig.volumes.attach(NAME));
        }
    }

    @Test
    void attachingBearsFailuresThatPass() throws Exception {
        FaultStore store = new FaultStore(new MemoryStore());
        try (Rig rig = Rig.on(store)) {
            for (Kind kind : List.of(Kind.RETRYABLE, Kind.UNKNOWN_OUTCOME, Kind.UNRESOLVED_OUTCOME)) {
                for (Fault fault : List.of(Fault.fail(kind), Fault.appliedBut(Kind.UNKNOWN_OUTCOME))) {
                    rig.detach();
                    store.onRead(Fault.fail(Kind.RETRYABLE)).onCommit(fault);
                    rig.attach();
                    rig.write(0, BLOCK, 1);
                    rig.flush();
                }
            }
        }
    }

    /** An attempt that was applied, though nobody heard, must not look like somebody else's. */
    @Test
    void attachingKnowsItsOwnAttempts() throws Exception {
        FaultStore store = new FaultStore(new MemoryStore());
        try (Rig rig = Rig.on(store)) {
            rig.detach();
            store.onCommit(Fault.appliedBut(Kind.UNKNOWN_OUTCOME));
            // The catalog's format and record, the owner before and during the attempt; then the look at what it did.
            store.onRead(Fault.NONE, Fault.NONE, Fault.NONE, Fault.NONE, Fault.fail(Kind.RETRYABLE));
            rig.attach();
            assertEquals(2, store.faultCount());
        }
    }

    @Test
    void attachingFailsWithTheCause() throws Exception {
        FaultStore store = new FaultStore(new MemoryStore());
        try (Rig rig = Rig.on(store)) {
            rig.detach();
            store.onCommit(Fault.fail(Kind.FATAL));
            assertFails(VolumeException.Kind.IO, rig::attach);
            store.onCommit(Fault.fail(Kind.NO_SPACE));
            assertFails(VolumeException.Kind.NO_SPACE, rig::attach);
            store.onRead(Fault.fail(Kind.FATAL));
            assertFails(VolumeException.Kind.IO, rig::attach);
            assertEquals(0, rig.volumes.attachedCount(NAME));
            rig.attach();
        }
    }
}
