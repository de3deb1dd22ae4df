package io.fdbnbd.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.fdbnbd.server.Succession.Place;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(20)
class SuccessionTest {
    private final Succession succession = new Succession();
    private final AtomicInteger unread = new AtomicInteger();
    private final CountDownLatch replaced = new CountDownLatch(1);
    private final Place elder = succession.join("disk", unread::get, replaced::countDown);

    private Place newcomer() {
        return succession.join("disk", () -> 0, () -> {});
    }

    private FutureTask<Boolean> awaiting(Callable<Boolean> wait) {
        FutureTask<Boolean> task = new FutureTask<>(wait);
        Thread.ofVirtual().name("newcomer").start(task);
        return task;
    }

    private FutureTask<Boolean> awaitingElders() {
        FutureTask<Boolean> task = awaiting(newcomer()::awaitElders);
        while (!elder.isAwaited()) {
            Thread.onSpinWait();
        }
        return task;
    }

    @Test
    void whoHasNothingToDoIsPassedAtOnce() throws Exception {
        elder.receives();
        assertFalse(newcomer().awaitElders());
        assertFalse(elder.isAwaited());
    }

    @Test
    void connectionsOfOtherVolumesAreNotWaitedFor() throws Exception {
        assertFalse(succession.join("other", () -> 0, () -> {}).awaitElders());
    }

    @Test
    void whoseReaderIsAboutToWakeUpIsWaitedFor() throws Exception {
        unread.set(5);
        elder.receives();
        FutureTask<Boolean> newcomer = awaitingElders();
        elder.received(5);
        elder.receives();
        assertFalse(newcomer.isDone());
        elder.received(5);
        unread.set(0);
        elder.receives();
        newcomer.get();
    }

    @Test
    void whoIsBusyIsWaitedForUntilItEnds() throws Exception {
        FutureTask<Boolean> newcomer = awaitingElders();
        assertEquals(1, succession.held());
        elder.leave();
        newcomer.get();
        assertEquals(0, succession.held());
    }

    @Test
    void whoIsNeverIdleIsPassedWhenAllIsExecutedThatCanHaveBeenThere() throws Exception {
        unread.set(1);
        FutureTask<Boolean> newcomer = awaitingElders();
        elder.received((int) Succession.SOCKET_BYTES_MAX);
        elder.received(1);
        assertFalse(newcomer.isDone());
        elder.received(1);
        newcomer.get();
    }

    @Test
    void aNewcomerWaitsForOneThatWaitsItself() throws Exception {
        FutureTask<Boolean> second = awaitingElders();
        Place third = newcomer();
        FutureTask<Boolean> waiting = awaiting(third::awaitElders);
        elder.receives();
        second.get();
        assertFalse(waiting.isDone(), "the second has executed nothing yet");
        waiting.cancel(true);
    }

    @Test
    void whoReplacesGoesOnWhenTheReplacedHasEnded() throws Exception {
        elder.receives();
        Place newcomer = newcomer();
        FutureTask<Boolean> replacing = awaiting(() -> {
            newcomer.replaceElders();
            return true;
        });
        replaced.await();
        while (succession.held() == 0) {
            assertFalse(replacing.isDone());
        }
        elder.leave();
        replacing.get();
    }
}
