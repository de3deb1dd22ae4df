package io.fdbnbd.volume;

import static io.fdbnbd.util.Checks.check;

import java.lang.invoke.VarHandle;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import org.jctools.queues.MessagePassingQueue;
import org.jctools.queues.varhandle.MpscVarHandleArrayQueue;
import org.jspecify.annotations.Nullable;

/**
 * The lock-free queue on which a volume's connections tell its committer what became dirty.
 *
 * <p>The committer's sleep is made here: JCTools' queues that block sleep until a time that never comes, for which a
 * virtual thread needs a timer, whose thread is then woken twice for every sleep.
 */
final class Announcements {

    private final MessagePassingQueue<DirtyBlock[]> queue;

    /** Whether there is something to look at that is not in the queue. */
    private volatile boolean lookAgain;

    /** The committer while it sleeps, or is about to; who takes it out wakes it. */
    private final AtomicReference<@Nullable Thread> sleeper = new AtomicReference<>();

    /**
     * @param blocksMax how many blocks can be dirty at once. Twice as many can be announced: those of the moment when
     *     the committer last froze a clear, which superseded them, and those that became dirty after it.
     */
    Announcements(int blocksMax) {
        this.queue = new MpscVarHandleArrayQueue<>(2 * blocksMax);
    }

    /**
     * Never waits: the buffer's budget bounds what there can be to announce, if the committer drains before it freezes.
     * Any thread.
     */
    void add(DirtyBlock[] blocks) {
        check(queue.offer(blocks), "more blocks are dirty than the buffer may hold");
        wake();
    }

    /** Lets the committer look again. Any thread, never waits. */
    void wakeUp() {
        lookAgain = true;
        wake();
    }

    private void wake() {
        // Either this sees that the committer sleeps, or the committer sees why it should not.
        VarHandle.fullFence();
        Thread sleeping = sleeper.get();
        if (sleeping != null && sleeper.compareAndSet(sleeping, null)) {
            LockSupport.unpark(sleeping);
        }
    }

    /** Hands over all there is. The committer's thread only, as is {@link #await}. */
    void drain(Consumer<DirtyBlock[]> taker) {
        lookAgain = false; // before the caller looks at anything
        MessagePassingQueue.Consumer<DirtyBlock[]> consumer = taker::accept;
        queue.drain(consumer);
    }

    /** Hands over all there is, waiting until there is something or {@link #wakeUp} was called. */
    void await(Consumer<DirtyBlock[]> taker) throws InterruptedException {
        while (isQuiet()) {
            sleeper.set(Thread.currentThread());
            if (isQuiet()) {
                LockSupport.park(this);
            }
            sleeper.set(null);
            if (Thread.interrupted()) {
                throw new InterruptedException();
            }
        }
        drain(taker);
    }

    private boolean isQuiet() {
        return queue.isEmpty() && !lookAgain;
    }
}
