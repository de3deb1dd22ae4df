package io.fdbnbd.util;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadFactory;
import org.junit.jupiter.api.Test;

class ThreadsTest {
    private static final Duration LONG = Duration.ofSeconds(60);

    @Test
    void everyThreadSaysItsRole() {
        ThreadFactory platform = Threads.platform("committer");
        assertEquals("committer-0", platform.newThread(() -> {}).getName());
        assertEquals("committer-1", platform.newThread(() -> {}).getName());
        assertTrue(platform.newThread(() -> {}).isDaemon());
        Thread virtual = Threads.virtual("reader").newThread(() -> {});
        assertEquals("reader-0", virtual.getName());
        assertTrue(virtual.isVirtual());
    }

    @Test
    void joinTellsWhetherTheThreadEnded() {
        CountDownLatch release = new CountDownLatch(1);
        Thread waiting = Threads.startPlatform("waiting", () -> awaitQuietly(release));
        assertFalse(Threads.joinOrWarn(waiting, Duration.ofMillis(1)));
        release.countDown();
        assertTrue(Threads.joinOrWarn(waiting, LONG));
        assertTrue(Threads.joinOrWarn(Threads.startVirtual("short", () -> {}), LONG));
    }

    @Test
    void anInterruptEndsTheJoinAndStaysSet() {
        CountDownLatch release = new CountDownLatch(1);
        Thread waiting = Threads.startVirtual("waiting", () -> awaitQuietly(release));
        Thread.currentThread().interrupt();
        assertFalse(Threads.joinOrWarn(waiting, LONG));
        assertTrue(Thread.interrupted());
        release.countDown();
        assertTrue(Threads.joinOrWarn(waiting, LONG));
    }

    private static void awaitQuietly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
