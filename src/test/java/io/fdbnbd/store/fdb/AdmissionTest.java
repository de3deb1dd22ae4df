package io.fdbnbd.store.fdb;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fdbnbd.store.StoreException;
import io.fdbnbd.store.StoreException.Kind;
import io.fdbnbd.util.Threads;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.FutureTask;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class AdmissionTest {

    private final AtomicLong nanos = new AtomicLong();
    private final Queue<Runnable> tasks = new ArrayDeque<>();
    private boolean answers = true;
    private int asked;

    private void ask() throws StoreException {
        asked++;
        if (!answers) {
            throw new StoreException(Kind.RETRYABLE, "the cluster is locked");
        }
    }

    /** What is asked in the background runs in {@link #runBackground}, on the thread of the test. */
    private final Admission admission = new Admission(nanos::get, tasks::add, this::ask);

    private void runBackground() {
        while (!tasks.isEmpty()) {
            tasks.remove().run();
        }
    }

    /** One that nobody waits for in vain: it asks on the thread that waits. */
    private Admission admitted() {
        Admission direct = new Admission(nanos::get, Runnable::run, this::ask);
        assertTrue(direct.await());
        assertEquals(1, asked, "nobody is admitted to begin with");
        return direct;
    }

    @Test
    void oneAnswerIsForAllCommitsOfAWhile() {
        Admission direct = admitted();
        nanos.addAndGet(Admission.ASK_AGE.toNanos());
        assertTrue(direct.await());
        assertEquals(1, asked);
        nanos.incrementAndGet();
        assertTrue(direct.await());
        assertEquals(2, asked);
        assertTrue(direct.await());
        assertEquals(2, asked, "the second answer is as good as the first");
    }

    @Test
    void commitsGoOnForAWhileWithoutAnAnswerAndThenAllWaitForTheSame() throws Exception {
        FutureTask<Boolean> first = waiting();
        assertEquals(1, tasks.size());
        runBackground();
        assertTrue(first.get());

        nanos.addAndGet(Admission.AGE_MAX.toNanos());
        for (int i = 0; i < 3; i++) {
            assertTrue(admission.await(), "the answer is still to come");
        }
        assertEquals(1, tasks.size(), "asked once");

        nanos.incrementAndGet();
        List<FutureTask<Boolean>> waiters = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            waiters.add(waiting());
        }
        assertEquals(1, tasks.size(), "asked once");
        runBackground();
        for (FutureTask<Boolean> waiter : waiters) {
            assertTrue(waiter.get());
        }
        assertEquals(2, asked);
    }

    @Test
    void whoeverCannotBeAdmittedIsTold() {
        Admission direct = admitted();
        answers = false;
        nanos.addAndGet(Admission.AGE_MAX.toNanos());
        assertTrue(direct.await(), "not yet");
        nanos.incrementAndGet();
        assertFalse(direct.await());
        answers = true;
        assertTrue(direct.await(), "and asks again");
    }

    @Test
    void whoeverComesWhileTheStoreIsClosedDoesNotWait() {
        Admission closing = new Admission(
                nanos::get,
                task -> {
                    throw new RejectedExecutionException("it takes no tasks any more");
                },
                this::ask);
        assertFalse(closing.await());
        assertFalse(closing.await(), "and the next neither");
    }

    /** Someone who waits for the answer, and does so already when this returns. */
    private FutureTask<Boolean> waiting() throws InterruptedException {
        FutureTask<Boolean> task = new FutureTask<>(admission::await);
        Thread thread = Threads.startVirtual("waiting", task);
        while (thread.getState() != Thread.State.WAITING) {
            Thread.onSpinWait();
        }
        return task;
    }
}
