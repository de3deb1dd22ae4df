package io.fdbnbd.volume;

import static io.fdbnbd.volume.Rig.BLOCK;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fdbnbd.store.memory.MemoryStore;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Where a store never makes anybody wait, who writes much commits it; and nothing that was written is forgotten. */
@Timeout(60)
class CommitHereTest {

    private static final int BUFFER_BYTES = 8 << 20;

    /** The least that is left to who writes it. */
    private static final int LARGE = 64 << 10;

    @SuppressWarnings("NullAway.Init")
    private Rig rig;

    @BeforeEach
    void open() throws Exception {
        VolumeSpec spec = new VolumeSpec(Rig.NAME, Rig.SIZE, BLOCK, Compression.NONE);
        rig = new Rig(new MemoryStore(), spec, Rig.options(AckMode.BUFFERED, BUFFER_BYTES));
        Rig.awaitSleepingCommitters();
    }

    @AfterEach
    void close() throws Exception {
        rig.close();
    }

    @Test
    void whatWasWrittenIsInTheStoreOnReturn() throws Exception {
        for (int i = 0; i < 1000; i++) {
            long offset = (long) i * LARGE;
            rig.write(offset, LARGE, 1 + i % 100);
            rig.volume().commitHere();
            assertTrue(rig.stored(offset / BLOCK).isPresent(), "write " + i);
            assertEquals(0, rig.volume().dirtyBytes());
        }
    }

    @Test
    void aFlushNeedsNobodyElse() throws Exception {
        // Often: the committer's thread may be awake.
        for (int i = 0; i < 100; i++) {
            rig.write(0, LARGE, 1 + i);
            rig.flush();
        }
        assertTrue(rig.stored(0).isPresent());
    }

    @Test
    void aFullBufferNeedsNobodyElse() throws Exception {
        for (int i = 0; i < 4; i++) {
            rig.write((long) i * BUFFER_BYTES, BUFFER_BYTES, 1 + i);
        }
        rig.assertReads(1, 0, BUFFER_BYTES);
    }

    /** It may be of others, whose client waits for less. */
    @Test
    void whatIsTooMuchForOneIsLeftToTheCommitter() throws Exception {
        rig.write(0, BUFFER_BYTES, 1);
        long bytes = rig.volume().commitHere();
        assertTrue(bytes < BUFFER_BYTES, "all of it was committed here");
        awaitClean();
    }

    /** One who finds another at it leaves his own to him, who may just be going to stop. */
    @Test
    void nothingIsForgottenBetweenTwo() throws Exception {
        int rounds = 20_000;
        CyclicBarrier both = new CyclicBarrier(2);
        List<FutureTask<Void>> tasks = new ArrayList<>();
        for (int thread = 0; thread < 2; thread++) {
            long offset = (long) thread * LARGE;
            tasks.add(Rig.start(() -> {
                for (int i = 0; i < rounds; i++) {
                    both.await();
                    rig.write(offset, LARGE, 1 + i % 100);
                    rig.volume().commitHere();
                    both.await();
                    awaitClean();
                }
                return null;
            }));
        }
        for (FutureTask<Void> task : tasks) {
            task.get(Rig.DEADLINE_SECONDS, TimeUnit.SECONDS);
        }
    }

    private void awaitClean() {
        while (rig.volume().dirtyBytes() > 0) {
            Thread.onSpinWait();
        }
    }
}
