package io.fdbnbd.volume;

import static io.fdbnbd.util.Checks.check;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What has been answered (or is about to be) and not committed: a block or a cleared range. Carries whom its commit
 * concerns. Guarded by the lock of the write buffer.
 */
abstract sealed class DirtyEntry permits DirtyBlock, DirtyClear {

    /** Where an entry is on its way; only ever moves forward. */
    enum State {
        /** In the buffer, may still change. */
        PENDING,
        /** In a transaction: frozen. */
        FLYING,
        /** Overtaken by a newer clear, which answers for it: never to be committed itself. Nothing follows. */
        SUPERSEDED,
        /** Committed, or failed for good. */
        DONE
    }

    private FlushEpochs.Epoch epoch;
    private List<CommitTicket> tickets = new ArrayList<>(0);
    private State state = State.PENDING;

    DirtyEntry(FlushEpochs.Epoch epoch) {
        this.epoch = epoch;
    }

    FlushEpochs.Epoch epoch() {
        return epoch;
    }

    State state() {
        return state;
    }

    void moveTo(State next) {
        check(next.compareTo(state) > 0, "a dirty entry went backwards");
        state = next;
    }

    void attach(@Nullable CommitTicket ticket) {
        if (ticket != null) {
            ticket.hold();
            tickets.add(ticket);
        }
    }

    /** Answers from now on for {@code older} too, which is never to be committed itself. */
    void supersede(DirtyEntry older, FlushEpochs epochs) {
        older.moveTo(State.SUPERSEDED);
        epoch = epochs.merge(older.epoch, epoch);
        List<CommitTicket> fewer = tickets;
        if (older.tickets.size() > fewer.size()) {
            // Whoever clears a disk piece by piece should not pay for all pieces before with each.
            tickets = older.tickets;
        } else {
            fewer = older.tickets;
        }
        tickets.addAll(fewer);
        older.tickets = List.of();
    }

    List<CommitTicket> tickets() {
        return tickets;
    }
}
