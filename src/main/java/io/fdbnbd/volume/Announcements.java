package io.fdbnbd.volume;

import static io.fdbnbd.util.Checks.check;

import io.fdbnbd.util.Sleeper;
import java.util.function.Consumer;
import org.jctools.queues.MessagePassingQueue;
import org.jctools.queues.varhandle.MpscVarHandleArrayQueue;

/** The lock-free queue on which a volume's connections tell its committer what became dirty. */
final class Announcements {

    private final MessagePassingQueue<DirtyBlock[]> queue;

    /** Whether there is something to look at that is not in the queue. */
    private volatile boolean lookAgain;

    /** The committer's. */
    private final Sleeper sleeper = new Sleeper();

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
        sleeper.wake();
    }

    /** Lets the committer look again. Any thread, never waits. */
    void wakeUp() {
        lookAgain = true;
        sleeper.wake();
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
            sleeper.sleepIf(this::isQuiet);
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
