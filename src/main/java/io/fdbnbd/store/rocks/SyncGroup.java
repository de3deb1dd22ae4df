package io.fdbnbd.store.rocks;

import io.fdbnbd.store.StoreException;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Lets many callers share few syncs. Whoever comes while none runs does one; all that come while one runs share the
 * next, because the running one may have begun before what they want covered was written.
 */
final class SyncGroup {
    interface Sync {
        void run() throws StoreException;
    }

    /** One sync and who shares it. Both fields are guarded by {@link #lock}. */
    private static final class Round {
        boolean done;

        @Nullable
        StoreException failure;
    }

    private final Sync sync;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition roundDone = lock.newCondition();

    /** The round that has not begun. Guarded by {@link #lock}, as is {@link #running}. */
    private Round next = new Round();

    private boolean running;

    SyncGroup(Sync sync) {
        this.sync = sync;
    }

    /** Returns after a sync that began after this call did. */
    void await() throws StoreException {
        lock.lock();
        try {
            Round mine = next;
            while (!mine.done) {
                if (running) {
                    roundDone.awaitUninterruptibly();
                } else {
                    lead(mine);
                }
            }
            if (mine.failure != null) {
                // A new one for every caller: a stack trace that belongs to another thread only confuses.
                throw new StoreException(mine.failure.kind(), String.valueOf(mine.failure.getMessage()), mine.failure);
            }
        } finally {
            lock.unlock();
        }
    }

    /** How many callers wait for a round to end, theirs or the one before it. */
    int waiting() {
        lock.lock();
        try {
            return lock.getWaitQueueLength(roundDone);
        } finally {
            lock.unlock();
        }
    }

    private void lead(Round round) {
        running = true;
        next = new Round();
        lock.unlock();
        StoreException failure = null;
        try {
            sync.run();
        } catch (StoreException e) {
            failure = e;
        } catch (RuntimeException | Error e) {
            failure = new StoreException(StoreException.Kind.FATAL, "the sync ended without a result", e);
            throw e;
        } finally {
            lock.lock();
            round.failure = failure;
            round.done = true;
            running = false;
            roundDone.signalAll();
        }
    }
}
