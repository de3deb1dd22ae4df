package io.fdbnbd.store.rocks;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.fdbnbd.store.StoreException;
import io.fdbnbd.store.StoreException.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class SyncGroupTest {
    private static final int FOLLOWERS = 8;

    private final AtomicInteger begun = new AtomicInteger();
    private final AtomicInteger ended = new AtomicInteger();
    private final CountDownLatch firstRuns = new CountDownLatch(1);
    private final CountDownLatch firstMayEnd = new CountDownLatch(1);

    /** Fails in the rounds named, the first being 1. The first round takes until it is let go. */
    private SyncGroup groupFailingIn(List<Integer> rounds) {
        return new SyncGroup(() -> {
            int round = begun.incrementAndGet();
            if (round == 1) {
                firstRuns.countDown();
                try {
                    firstMayEnd.await();
                } catch (InterruptedException e) {
                    throw new AssertionError(e);
                }
            }
            ended.incrementAndGet();
            if (rounds.contains(round)) {
                throw new StoreException(Kind.FATAL, "round " + round);
            }
        });
    }

    @Test
    void whoComesDuringASyncSharesTheNextOne() throws Exception {
        SyncGroup group = groupFailingIn(List.of());
        FutureTask<Integer> leader = start(group);
        firstRuns.await();
        List<FutureTask<Integer>> followers = startFollowers(group);
        firstMayEnd.countDown();
        leader.get();
        for (FutureTask<Integer> follower : followers) {
            assertEquals(2, follower.get(), "a follower was content with a sync that began before it came");
        }
        assertEquals(2, begun.get());
        group.await();
        assertEquals(3, begun.get());
    }

    @Test
    void aFailureReachesAllWhoShareItAndNobodyElse() throws Exception {
        SyncGroup group = groupFailingIn(List.of(2));
        FutureTask<Integer> leader = start(group);
        firstRuns.await();
        List<FutureTask<Integer>> followers = startFollowers(group);
        firstMayEnd.countDown();
        leader.get();
        for (FutureTask<Integer> follower : followers) {
            Exception failure = assertThrows(Exception.class, follower::get);
            StoreException cause = (StoreException) failure.getCause();
            assertEquals("round 2", cause == null ? null : cause.getMessage());
        }
        group.await();
    }

    @Test
    void aSyncThatThrowsABugDoesNotStopTheNext() throws Exception {
        AtomicInteger calls = new AtomicInteger();
        SyncGroup group = new SyncGroup(() -> {
            if (calls.incrementAndGet() == 1) {
                throw new IllegalArgumentException("bug");
            }
        });
        assertThrows(IllegalArgumentException.class, group::await);
        group.await();
        assertEquals(2, calls.get());
    }

    /** Starts threads that sync, and returns when all of them wait. */
    private List<FutureTask<Integer>> startFollowers(SyncGroup group) {
        List<FutureTask<Integer>> followers = new ArrayList<>();
        for (int i = 0; i < FOLLOWERS; i++) {
            followers.add(start(group));
        }
        while (group.waiting() < FOLLOWERS) {
            Thread.onSpinWait();
        }
        return followers;
    }

    /** The result is how many syncs had ended when the call returned. */
    private FutureTask<Integer> start(SyncGroup group) {
        FutureTask<Integer> task = new FutureTask<>(() -> {
            group.await();
            return ended.get();
        });
        Thread.ofPlatform().name("syncer").start(task);
        return task;
    }
}
