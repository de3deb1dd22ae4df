package io.fdbnbd.volume;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The committer's queue under virtual threads: one announcement lost is a test that hangs. */
@Timeout(60)
class AnnouncementsTest {

    private static final long SEED = 20_261_123L;
    private static final int WRITERS = 6;
    private static final int BLOCKS_EACH = 60_000;
    private static final int BLOCKS_MAX = 32;

    private final Announcements announcements = new Announcements(BLOCKS_MAX, Integer.MAX_VALUE);

    /** What the write buffer's budget does: no more blocks are announced than may be dirty. */
    private final Semaphore room = new Semaphore(BLOCKS_MAX);

    @Test
    void everyBlockArrivesOnceAndInItsWritersOrder() throws Exception {
        long seed = Long.getLong("fdbnbd.seed", SEED);
        System.out.println("AnnouncementsTest: fdbnbd.seed=" + seed);
        long[] next = new long[WRITERS];
        long arrived = 0;
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<?>> writers = new ArrayList<>();
            for (int i = 0; i < WRITERS; i++) {
                int writer = i;
                writers.add(threads.submit(() -> announce(writer, new Random(seed + writer))));
            }
            List<DirtyBlock> taken = new ArrayList<>();
            while (arrived < (long) WRITERS * BLOCKS_EACH) {
                announcements.await();
                announcements.drain(blocks -> taken.addAll(List.of(blocks)));
                for (DirtyBlock block : taken) {
                    int writer = (int) (block.number() / BLOCKS_EACH);
                    assertEquals(writer * (long) BLOCKS_EACH + next[writer]++, block.number(), "seed " + seed);
                }
                arrived += taken.size();
                room.release(taken.size());
                taken.clear();
            }
            for (Future<?> writer : writers) {
                writer.get();
            }
        }
        announcements.drain(blocks -> assertEquals(0, blocks.length, "a block came twice"));
    }

    private void announce(int writer, Random random) {
        FlushEpochs.Epoch epoch = new FlushEpochs().enter();
        int sent = 0;
        while (sent < BLOCKS_EACH) {
            DirtyBlock[] blocks = new DirtyBlock[Math.min(BLOCKS_EACH - sent, 1 + random.nextInt(3))];
            for (int i = 0; i < blocks.length; i++) {
                blocks[i] = DirtyBlock.whole((long) writer * BLOCKS_EACH + sent++, new byte[0], epoch);
            }
            room.acquireUninterruptibly(blocks.length);
            announcements.add(blocks);
            if (random.nextInt(4) == 0) {
                announcements.wakeUp();
            }
        }
    }

    /** Both threads run at the same time, and after each step for a random moment more, to meet wherever they can. */
    @Test
    void aWakeUpEndsTheWaitingAlsoWhenTheCommitterIsJustGoingToWait() throws Exception {
        int rounds = 200_000;
        AtomicInteger round = new AtomicInteger();
        FutureTask<Void> waker = new FutureTask<>(() -> {
            Random random = new Random(1);
            for (int i = 1; i <= rounds; i++) {
                while (round.get() < i) {
                    Thread.onSpinWait();
                }
                spin(random.nextInt(100));
                announcements.wakeUp();
            }
            return null;
        });
        Thread.ofPlatform().daemon().start(waker);
        Random random = new Random(2);
        for (int i = 1; i <= rounds; i++) {
            round.set(i);
            spin(random.nextInt(100));
            announcements.await();
            announcements.drain(blocks -> assertEquals(0, blocks.length));
        }
        waker.get();
    }

    private static void spin(int times) {
        for (int i = 0; i < times; i++) {
            Thread.onSpinWait();
        }
    }

    @Test
    void theCommitterSleepsWithoutATimer() throws Exception {
        Thread committer = Thread.startVirtualThread(() -> {
            try {
                announcements.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        assertEquals(Thread.State.WAITING, Rig.sleepOf(committer));
        announcements.wakeUp();
        committer.join();
    }

    /** Who has the room that is waited for may be just about to announce what takes it up. */
    @Test
    void nothingIsLeftToItsWriterWhileSomebodyWaitsForRoom() throws Exception {
        Announcements leaving = new Announcements(BLOCKS_MAX, 1);
        DirtyBlock[] blocks = {DirtyBlock.whole(0, new byte[0], new FlushEpochs().enter())};
        Thread committer = Thread.startVirtualThread(() -> {
            try {
                leaving.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        Rig.sleepOf(committer);
        leaving.beginWaiting();
        leaving.add(blocks);
        committer.join();
        leaving.endWaiting();
    }

    @Test
    void anInterruptEndsTheWaiting() throws Exception {
        Future<?> committer;
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            committer = threads.submit(() -> {
                assertThrows(InterruptedException.class, announcements::await);
            });
            threads.shutdownNow();
        }
        committer.get();
    }
}
