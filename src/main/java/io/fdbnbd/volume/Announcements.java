package io.fdbnbd.volume;

import static io.fdbnbd.util.Checks.check;

import java.util.function.Consumer;
import org.jctools.queues.MessagePassingQueue;
import org.jctools.queues.varhandle.MpscBlockingConsumerVarHandleArrayQueue;

/** The lock-free queue on which a volume's connections tell its committer what became dirty. */
final class Announcements {

    /** Room for wake-ups that carry no block. */
    private static final int WAKE_UPS_MAX = 64;

    private static final DirtyBlock[] WAKE_UP = {};

    private final MpscBlockingConsumerVarHandleArrayQueue<DirtyBlock[]> queue;

    /**
     * @param blocksMax how many blocks can be dirty at once. Twice as many can be announced: those of the moment when
     *     the committer last froze a clear, which superseded them, and those that became dirty after it.
     */
    Announcements(int blocksMax) {
        this.queue = new MpscBlockingConsumerVarHandleArrayQueue<>(2 * blocksMax + WAKE_UPS_MAX);
    }

    /**
     * Never waits: the buffer's budget bounds what there can be to announce, if the committer drains before it freezes.
     * Any thread.
     */
    void add(DirtyBlock[] blocks) {
        check(queue.offer(blocks), "more blocks are dirty than the buffer may hold");
    }

    /** Lets the committer look again. Any thread, never waits. */
    void wakeUp() {
        // A full queue keeps it awake without.
        queue.offerIfBelowThreshold(WAKE_UP, WAKE_UPS_MAX);
    }

    /** Hands over all there is. The committer's thread only, as is {@link #await}. */
    void drain(Consumer<DirtyBlock[]> taker) {
        MessagePassingQueue.Consumer<DirtyBlock[]> consumer = taker::accept;
        queue.drain(consumer);
    }

    /** Hands over all there is, waiting until there is something. */
    void await(Consumer<DirtyBlock[]> taker) throws InterruptedException {
        taker.accept(queue.take());
        drain(taker);
    }
}
