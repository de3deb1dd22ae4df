package io.fdbnbd.volume;

import static io.fdbnbd.util.Checks.check;

import java.util.ArrayDeque;

/**
 * Tells when everything that was dirty at some moment has committed. Every dirty entry belongs to the epoch in which it
 * became dirty; a flush closes the current epoch and waits until it and all before it are empty. Entries that become
 * dirty later go to later epochs, so a flush never waits for writes that came after it.
 *
 * <p>Not thread-safe: guarded by the lock of the write buffer that owns it.
 */
final class FlushEpochs {

    /** A count of dirty entries. */
    static final class Epoch {
        private final long number;
        private int entries;
        private boolean closed;
        private boolean over;

        private Epoch(long number) {
            this.number = number;
        }

        /** Whether this epoch and all before it are closed and empty. */
        boolean isOver() {
            return over;
        }
    }

    // In order of age; the last is the current one. At most one for each flush that waits, and one.
    private final ArrayDeque<Epoch> epochs = new ArrayDeque<>();

    FlushEpochs() {
        epochs.add(new Epoch(0));
    }

    /** Counts one more dirty entry. */
    Epoch enter() {
        Epoch current = epochs.getLast();
        current.entries++;
        return current;
    }

    /** Takes an entry out. Returns whether an epoch ended by this, so that flushes may go on. */
    boolean leave(Epoch epoch) {
        epoch.entries--;
        check(epoch.entries >= 0, "an entry left its epoch twice");
        return endFinished();
    }

    /**
     * Makes one entry of two, in the older of their epochs, so that no flush forgets the older one. No epoch ends by
     * this.
     */
    Epoch merge(Epoch one, Epoch other) {
        boolean isOlder = one.number <= other.number;
        leave(isOlder ? other : one);
        return isOlder ? one : other;
    }

    /** The epoch that has to be over for all that is dirty now to have committed. */
    Epoch close() {
        Epoch current = epochs.getLast();
        if (current.entries == 0 && epochs.size() > 1) {
            // Nothing entered since the flush before: the epoch before covers the same.
            return beforeLast();
        }
        current.closed = true;
        epochs.add(new Epoch(current.number + 1));
        endFinished();
        return current;
    }

    private Epoch beforeLast() {
        Epoch last = epochs.removeLast();
        Epoch before = epochs.getLast();
        epochs.addLast(last);
        return before;
    }

    private boolean endFinished() {
        boolean ended = false;
        while (epochs.getFirst().closed && epochs.getFirst().entries == 0) {
            epochs.removeFirst().over = true;
            ended = true;
        }
        return ended;
    }
}
