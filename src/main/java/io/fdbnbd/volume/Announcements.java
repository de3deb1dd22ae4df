package io.fdbnbd.volume;

import static io.fdbnbd.util.Checks.check;

import io.fdbnbd.util.Sleeper;
import java.util.function.Consumer;
import org.jctools.queues.MessagePassingQueue;
import org.jctools.queues.varhandle.MpscVarHandleArrayQueue;

/**
 * The lock-free queue on which a volume's connections tell its committer what became dirty. The committer's thread is
 * woken for each announcement; or only when somebody waits, where those who announce something commit it themselves.
 */
final class Announcements {

    private final MessagePassingQueue<DirtyBlock[]> queue;
    private final boolean waking;

    /** Whether there is something to look at that is not in the queue. */
    private volatile boolean lookAgain;

    /** The committer's. */
    private final Sleeper sleeper = new Sleeper();

    /**
     * @param blocksMax how many blocks can be dirty at once. Twice as many can be announced: those of the moment when
     *     the committer last froze a clear, which superseded them, and those that became dirty after it.
     * @param waking whether each announcement wakes the committer's thread
     */
    Announcements(int blocksMax, boolean waking) {
        this.queue = new MpscVarHandleArrayQueue<>(2 * blocksMax);
        this.waking = waking;
    }

    /**
     * Never waits: the buffer's budget bounds what there can be to announce, if the committer drains before it freezes.
     * Any thread.
     */
    void add(DirtyBlock[] blocks) {
        check(queue.offer(blocks), "more blocks are dirty than the buffer may hold");
        if (waking) {
            sleeper.wake();
        }
    }

    /** There is something to commit that is not in the queue. Any thread, never waits. */
    void addOther() {
        lookAgain = true;
        if (waking) {
            sleeper.wake();
        }
    }

    /** Somebody is about to wait until what was announced has been committed. Any thread, never waits. */
    void awaited() {
        if (!waking) {
            wakeUp();
        }
    }

    /** Lets the committer's thread look again. Any thread, never waits. */
    void wakeUp() {
        lookAgain = true;
        sleeper.wake();
    }

    /** Whether nothing was announced since {@link #drain}. Any thread. */
    boolean isQuiet() {
        return queue.isEmpty() && !lookAgain;
    }

    /** Hands over all there is. One thread at a time. */
    void drain(Consumer<DirtyBlock[]> taker) {
        lookAgain = false; // before the caller looks at anything
        MessagePassingQueue.Consumer<DirtyBlock[]> consumer = taker::accept;
        queue.drain(consumer);
    }

    /** Waits until there is something to {@link #drain}, or {@link #wakeUp} was called. The committer's thread only. */
    void await() throws InterruptedException {
        while (isQuiet()) {
            sleeper.sleepIf(this::isQuiet);
            if (Thread.interrupted()) {
                throw new InterruptedException();
            }
        }
    }
}
