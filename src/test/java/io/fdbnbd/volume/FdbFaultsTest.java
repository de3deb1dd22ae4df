package io.fdbnbd.volume;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fdbnbd.store.fdb.FdbCluster;
import io.fdbnbd.store.fdb.FdbStore;
import io.fdbnbd.util.Closer;
import io.fdbnbd.util.Ticker;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * A cluster that is harmed while a volume in it is written: nothing that was flushed is lost, no block is torn, nothing
 * fails, and I/O goes on by itself afterwards. Each writer owns the blocks of its own remainder and checks what it reads.
 */
@ExtendWith(FdbCluster.class)
@Tag("slow")
@Timeout(value = 180, unit = TimeUnit.SECONDS)
class FdbFaultsTest {

    private static final int BLOCK = 4096;
    private static final int BLOCKS = 512;
    private static final int WRITERS = 4;

    private interface Harm {
        void happen() throws Exception;
    }

    private final Closer closer = new Closer();
    private FdbCluster cluster;
    private Volumes volumes;

    @BeforeEach
    void startCluster() throws Exception {
        cluster = FdbCluster.start();
        FdbStore store = closer.register(cluster.openStore("v/"));
        volumes = closer.register(new Volumes(store, VolumeOptions.of(AckMode.BUFFERED), Ticker.SYSTEM));
        volumes.catalog().create(VolumeSpec.of("v", (long) BLOCKS * BLOCK));
    }

    @AfterEach
    void close() throws Exception {
        closer.close();
    }

    @Test
    void aKilledServerThatIsStartedAgainCostsNothingButTime() throws Exception {
        underLoad(() -> {
            cluster.kill();
            cluster.startAgain();
        });
    }

    @Test
    void aServerThatStandsStillForFiveSecondsCostsNothingButTime() throws Exception {
        underLoad(() -> {
            cluster.pause();
            new CountDownLatch(1).await(5, TimeUnit.SECONDS);
            cluster.resume();
        });
    }

    @Test
    void aLockedDatabaseIsWaitedFor() throws Exception {
        underLoad(() -> {
            assertTrue(cluster.cli("lock").contains("locked"));
            new CountDownLatch(1).await(4, TimeUnit.SECONDS);
            cluster.unlock();
        });
    }

    @Test
    void aJumpOfTheVersionIsNotNoticed() throws Exception {
        underLoad(() -> cluster.cli("advanceversion 900000000000"));
    }

    private void underLoad(Harm harm) throws Exception {
        long seed = Long.getLong("fdbnbd.seed", 7);
        System.out.println("FdbFaultsTest: fdbnbd.seed=" + seed);
        try (Attachment attachment = volumes.attach("v")) {
            AtomicBoolean over = new AtomicBoolean();
            List<Writer> writers = new ArrayList<>();
            for (int i = 0; i < WRITERS; i++) {
                writers.add(new Writer(attachment.volume(), i, new SplittableRandom(seed + i), over));
            }
            for (Writer writer : writers) {
                writer.flushes.await();
            }
            harm.happen();
            for (Writer writer : writers) {
                writer.flushes = new CountDownLatch(3);
            }
            for (Writer writer : writers) {
                writer.flushes.await();
            }
            over.set(true);
            for (Writer writer : writers) {
                writer.task.get();
            }
        }
        try (Attachment attachment = volumes.attach("v")) {
            for (int block = 0; block < BLOCKS; block++) {
                read(attachment.volume(), block);
            }
        }
    }

    /** Writes, reads back, flushes; then all it flushed has to be there, or something newer of its own. */
    private static final class Writer {

        final Volume volume;
        final int number;
        final SplittableRandom random;
        final AtomicBoolean over;
        final long[] written = new long[BLOCKS];
        final FutureTask<Boolean> task = new FutureTask<>(this::run);

        volatile CountDownLatch flushes = new CountDownLatch(3);

        Writer(Volume volume, int number, SplittableRandom random, AtomicBoolean over) {
            this.volume = volume;
            this.number = number;
            this.random = random;
            this.over = over;
            Thread.ofVirtual().name("writer-" + number).start(task);
        }

        private boolean run() throws VolumeException {
            for (long stamp = 1; !over.get(); stamp++) {
                int block = random.nextInt(BLOCKS / WRITERS) * WRITERS + number;
                write(volume, block, stamp);
                written[block] = stamp;
                int other = random.nextInt(BLOCKS / WRITERS) * WRITERS + number;
                assertEquals(written[other], read(volume, other));
                if (stamp % 50 == 0) {
                    volume.flush();
                    flushes.countDown();
                }
            }
            for (int block = number; block < BLOCKS; block += WRITERS) {
                assertEquals(written[block], read(volume, block));
            }
            return true;
        }
    }

    private static void write(Volume volume, int block, long stamp) throws VolumeException {
        ByteBuffer content = ByteBuffer.allocate(BLOCK);
        while (content.hasRemaining()) {
            content.putLong(stamp);
        }
        volume.write((long) block * BLOCK, content.flip(), null);
    }

    /** The stamp that a block has, all over. */
    private static long read(Volume volume, int block) throws VolumeException {
        ByteBuffer content = ByteBuffer.allocate(BLOCK);
        volume.read((long) block * BLOCK, content);
        long stamp = content.flip().getLong();
        while (content.hasRemaining()) {
            assertEquals(stamp, content.getLong(), "a torn block");
        }
        return stamp;
    }
}
