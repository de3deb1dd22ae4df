package io.fdbnbd.volume;

import static io.fdbnbd.util.Checks.check;

import io.fdbnbd.util.Sleeper;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jctools.queues.MessagePassingQueue;
import org.jctools.queues.varhandle.MpscVarHandleArrayQueue;

/**
 * The lock-free queue on which a volume's connections tell its committer what became dirty. The committer's thread is
 * woken for it, or, for large announcements where that is wanted, only when somebody waits: who made them commits them.
 */
final class Announcements {

    private final MessagePassingQueue<DirtyBlock[]> queue;
    private final int leftBlocksMin;

    /** Whether there is something in the queue for which the committer's thread was not woken. */
    private volatile boolean left;

    /** Who waits for room, and so for whatever takes it up: also for what has it already and is not announced yet. */
    private final AtomicInteger waiting = new AtomicInteger();

    /** Whether there is something to look at that is not in the queue. */
    private volatile boolean lookAgain;

    /** The committer's. */
    private final Sleeper sleeper = new Sleeper();

    /**
     * @param blocksMax how many blocks can be dirty at once. Twice as many can be announced: those of the moment when
     *     the committer last froze a clear, which superseded them, and those that became dirty after it.
     * @param leftBlocksMin of how many blocks an announcement is left to who made it; {@link Integer#MAX_VALUE}: none is
     */
    Announcements(int blocksMax, int leftBlocksMin) {
        this.queue = new MpscVarHandleArrayQueue<>(2 * blocksMax);
        this.leftBlocksMin = leftBlocksMin;
    }

    /**
     * Never waits: the buffer's budget bounds what there can be to announce, if the committer drains before it freezes.
     * Any thread.
     */
    void add(DirtyBlock[] blocks) {
        check(queue.offer(blocks), "more blocks are dirty than the buffer may hold");
        if (blocks.length < leftBlocksMin) {
            sleeper.wake();
        } else {
            left = true;
            // Either this sees who waits, or he sees what is left.
            if (waiting.get() > 0) {
                sleeper.wake();
            }
        }
    }

    /** Begins a wait for room, which {@link #endWaiting} ends: nothing is left to who made it meanwhile. Any thread. */
    void beginWaiting() {
        waiting.incrementAndGet();
        awaited();
    }

    void endWaiting() {
        waiting.decrementAndGet();
    }

    /** Somebody is about to wait until what was announced has been committed. Any thread, never waits. */
    void awaited() {
        if (left) {
            sleeper.wake();
        }
    }

    /** Whether something that was announced is left to who made it. Any thread. */
    boolean isLeft() {
        return left;
    }

    /** Lets the committer's thread look again. Any thread, never waits. */
    void wakeUp() {
        lookAgain = true;
        sleeper.wake();
    }

    /** Hands over all there is. One thread at a time. */
    void drain(Consumer<DirtyBlock[]> taker) {
        // Before anything is looked at.
        left = false;
        lookAgain = false;
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

    private boolean isQuiet() {
        return queue.isEmpty() && !lookAgain;
    }
}
