package io.fdbnbd.util;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class ByteBudgetTest {

    private static final long DEADLINE_SECONDS = 60;

    private static FutureTask<Boolean> startAcquire(ByteBudget.Share share, long bytes) {
        FutureTask<Boolean> task = new FutureTask<>(() -> share.acquire(bytes));
        Thread.ofPlatform().daemon(true).name("test-acquire").start(task);
        return task;
    }

    private static void awaitWaiters(ByteBudget.Share share, int count) {
        while (share.waiterCount() < count) {
            Thread.onSpinWait();
        }
    }

    private static boolean get(FutureTask<Boolean> task) throws Exception {
        return task.get(DEADLINE_SECONDS, TimeUnit.SECONDS);
    }

    @Test
    void aShareHoldsUpToItsMaximum() {
        ByteBudget.Share share = new ByteBudget(100).share(10, 30);
        assertTrue(share.tryAcquire(20));
        assertTrue(share.tryAcquire(10));
        assertFalse(share.tryAcquire(1));
        share.release(5);
        assertTrue(share.tryAcquire(5));
        assertEquals(30, share.heldBytes());
    }

    @Test
    void theGuaranteedPartIsNeverRefused() {
        ByteBudget budget = new ByteBudget(20);
        ByteBudget.Share greedy = budget.share(5, 100);
        ByteBudget.Share modest = budget.share(5, 100);
        assertTrue(greedy.tryAcquire(25));
        assertEquals(20, budget.commonBytes());
        assertTrue(modest.tryAcquire(5));
        assertFalse(modest.tryAcquire(1));
        greedy.release(25);
        assertEquals(0, budget.commonBytes());
        assertTrue(modest.tryAcquire(20));
    }

    @Test
    void whoHoldsNothingMayTakeMoreThanTheMaximumOnce() {
        ByteBudget.Share share = new ByteBudget(100).share(10, 30);
        assertTrue(share.tryAcquire(50));
        assertFalse(share.tryAcquire(1));
        share.release(50);
        assertTrue(share.tryAcquire(1));
    }

    @Test
    void aReleaseWakesWhoWaits() throws Exception {
        ByteBudget.Share share = new ByteBudget(100).share(10, 30);
        assertTrue(share.acquire(30));
        FutureTask<Boolean> waiter = startAcquire(share, 10);
        awaitWaiters(share, 1);
        share.release(10);
        assertTrue(get(waiter));
        assertEquals(30, share.heldBytes());
    }

    /** Across shares too: what one gives back, another one waits for. */
    @Test
    void aReleaseOfOneShareWakesAnother() throws Exception {
        ByteBudget budget = new ByteBudget(20);
        ByteBudget.Share one = budget.share(5, 100);
        ByteBudget.Share other = budget.share(5, 100);
        assertTrue(one.acquire(25));
        FutureTask<Boolean> waiter = startAcquire(other, 15);
        awaitWaiters(other, 1);
        one.release(25);
        assertTrue(get(waiter));
    }

    @Test
    void whoWaitsForMuchIsNotOvertaken() throws Exception {
        ByteBudget.Share share = new ByteBudget(100).share(10, 30);
        assertTrue(share.acquire(30));
        FutureTask<Boolean> large = startAcquire(share, 30);
        awaitWaiters(share, 1);
        FutureTask<Boolean> small = startAcquire(share, 1);
        awaitWaiters(share, 2);
        share.release(10);
        assertFalse(share.tryAcquire(1));
        assertFalse(small.isDone());
        share.release(20);
        assertTrue(get(large));
        assertFalse(small.isDone());
        share.release(30);
        assertTrue(get(small));
        assertEquals(1, share.heldBytes());
    }

    @Test
    void whoGivesUpLetsTheNextGo() throws Exception {
        ByteBudget.Share share = new ByteBudget(100).share(10, 30);
        assertTrue(share.acquire(20));
        FutureTask<Boolean> large = new FutureTask<>(() -> share.acquire(30));
        Thread thread = Thread.ofPlatform().daemon(true).name("test-acquire").start(large);
        awaitWaiters(share, 1);
        FutureTask<Boolean> small = startAcquire(share, 10);
        awaitWaiters(share, 2);
        thread.interrupt();
        assertTrue(get(small));
        assertThrows(Exception.class, () -> get(large));
        assertEquals(30, share.heldBytes());
    }

    @Test
    void aRefusalWakesAllAndTakesNothing() throws Exception {
        ByteBudget.Share share = new ByteBudget(100).share(10, 30);
        assertTrue(share.acquire(30));
        List<FutureTask<Boolean>> waiters = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            waiters.add(startAcquire(share, 10));
        }
        awaitWaiters(share, 5);
        share.refuse();
        for (FutureTask<Boolean> waiter : waiters) {
            assertFalse(get(waiter));
        }
        assertFalse(share.acquire(1));
        assertFalse(share.tryAcquire(1));
        assertEquals(30, share.heldBytes());
        share.release(30);
        assertEquals(0, share.heldBytes());
    }

    @Test
    void aClosedShareHasGivenAllBack() throws Exception {
        ByteBudget budget = new ByteBudget(100);
        ByteBudget.Share share = budget.share(10, 60);
        assertTrue(share.acquire(60));
        share.close();
        share.close();
        assertEquals(0, budget.commonBytes());
        // Late landings of what it held.
        share.release(60);
        assertEquals(0, share.heldBytes());
        assertEquals(0, budget.commonBytes());
    }

    @Test
    void moreThanIsHeldCanNotBeReleased() {
        ByteBudget.Share share = new ByteBudget(100).share(10, 60);
        assertTrue(share.tryAcquire(5));
        assertThrows(IllegalStateException.class, () -> share.release(6));
    }

    @Test
    void bytesAreNeitherLostNorMadeByManyThreads() throws Exception {
        long seed = Long.getLong("fdbnbd.seed", 1);
        System.out.println("ByteBudgetTest: fdbnbd.seed=" + seed);
        long total = 1000;
        long guaranteed = 100;
        ByteBudget budget = new ByteBudget(total);
        List<ByteBudget.Share> shares =
                List.of(budget.share(guaranteed, 400), budget.share(guaranteed, 800), budget.share(guaranteed, 1100));
        AtomicLong held = new AtomicLong();
        CountDownLatch start = new CountDownLatch(1);
        List<FutureTask<Boolean>> tasks = new ArrayList<>();
        for (int thread = 0; thread < 6; thread++) {
            ByteBudget.Share share = shares.get(thread % shares.size());
            Random random = new Random(seed * 17 + thread);
            FutureTask<Boolean> task = new FutureTask<>(() -> {
                start.await();
                for (int i = 0; i < 5000; i++) {
                    long bytes = 1L + random.nextInt(i % 10 == 0 ? 400 : 50);
                    if (random.nextInt(4) > 0 ? share.acquire(bytes) : share.tryAcquire(bytes)) {
                        long now = held.addAndGet(bytes);
                        assertTrue(now <= total + shares.size() * guaranteed, () -> now + " bytes are held");
                        assertTrue(share.heldBytes() <= share.maxBytes());
                        held.addAndGet(-bytes);
                        share.release(bytes);
                    }
                }
                return true;
            });
            tasks.add(task);
            Thread.ofPlatform().daemon(true).name("test-budget").start(task);
        }
        start.countDown();
        for (FutureTask<Boolean> task : tasks) {
            assertTrue(get(task));
        }
        for (ByteBudget.Share share : shares) {
            assertEquals(0, share.heldBytes());
        }
        assertEquals(0, budget.commonBytes());
    }
}
