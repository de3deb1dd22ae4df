package io.fdbnbd.volume;

import io.fdbnbd.store.Batch;
import io.fdbnbd.store.Guard;
import io.fdbnbd.store.Store;
import io.fdbnbd.store.StoreException;
import io.fdbnbd.util.Ticker;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.tinylog.Logger;

/**
 * Brings transactions to their end: committed, or the volume failed. Repeating one is safe because no other transaction
 * in flight holds any of its blocks and newer writes of them wait. Any thread.
 */
final class Flights {

    private final String name;
    private final Store store;
    private final Owner owner;
    private final WriteBuffer buffer;
    private final BlockReader reader;
    private final Backoff backoff;
    private final Stall stall;
    private final AckMode ackMode;
    private final Ticker ticker;
    private volatile long failedNanos;

    Flights(
            String name,
            Store store,
            Owner owner,
            WriteBuffer buffer,
            BlockReader reader,
            Backoff backoff,
            Stall stall,
            AckMode ackMode,
            Ticker ticker) {
        this.name = name;
        this.store = store;
        this.owner = owner;
        this.buffer = buffer;
        this.reader = reader;
        this.backoff = backoff;
        this.stall = stall;
        this.ackMode = ackMode;
        this.ticker = ticker;
    }

    /** Reads from the store what the partial ones of {@code candidates} lack. */
    void completePartial(List<DirtyBlock> candidates) {
        List<DirtyBlock> partial = buffer.partialAmong(candidates);
        if (partial.isEmpty()) {
            return;
        }
        try {
            buffer.fill(
                    partial,
                    reader.readWhole(partial.stream().map(DirtyBlock::number).toList()));
        } catch (VolumeException e) {
            fail(e);
        }
    }

    /** Commits a transaction. Returns when it has landed, or the volume has failed. */
    void fly(Flight flight) {
        try {
            commit(flight.batch());
            if (ackMode == AckMode.COMMITTED) {
                // What lands is answered, and must survive the loss of power.
                sync(Integer.MAX_VALUE);
            }
            buffer.land(flight.clears(), flight.blocks());
        } catch (VolumeException e) {
            fail(e);
        } catch (RuntimeException | Error e) {
            // Errors too: whoever waits for this commit has to learn that it will never be.
            fail(new VolumeException(VolumeException.Kind.IO, "the commit failed: " + e, e));
            throw e;
        }
    }

    /**
     * Makes durable what has committed.
     *
     * @param attemptsMax how often to try while the store says that it may work later
     */
    void sync(int attemptsMax) throws VolumeException {
        try {
            Attempts.repeat(attemptsMax, backoff, stall, () -> {
                store.sync();
                return true;
            });
        } catch (VolumeException e) {
            fail(e);
            throw e;
        }
    }

    /** When it failed, once it has; by the volume's ticker. */
    long failedNanos() {
        return failedNanos;
    }

    /** Ends the taking of writes, and logs why. */
    void fail(VolumeException cause) {
        // Before anybody can see the failure. Who fails later changes nothing.
        if (!buffer.isFailed()) {
            failedNanos = ticker.nanoTime();
        }
        if (buffer.fail(cause)) {
            Logger.error(
                    "volume '{}' has failed and takes no more writes until it is attached anew: {}",
                    name,
                    cause.getMessage());
        }
    }

    /**
     * Commits under the owner's guard, and tries again for as long as that may work. On return the batch has landed, and
     * no attempt at it can land later.
     */
    void commit(Batch batch) throws VolumeException {
        Guard unresolved = null;
        for (int attempt = 0; ; attempt++) {
            StoreException problem;
            try {
                if (unresolved != null) {
                    // Not before this works: once a later attempt has landed and the block was written anew, the
                    // unresolved one must not come and undo that.
                    owner.fence(unresolved);
                    unresolved = null;
                }
                Guard guard = owner.guard();
                problem = attempt(batch, guard);
                if (problem == null) {
                    stall.worked();
                    return;
                }
                switch (problem.kind()) {
                    case RETRYABLE, UNKNOWN_OUTCOME -> {}
                    case UNRESOLVED_OUTCOME -> unresolved = guard;
                    case GUARD_LOST -> owner.checkStillOwner(guard);
                    case NO_SPACE, FATAL -> throw VolumeException.of(problem);
                }
            } catch (StoreException e) {
                problem = e;
                if (!Attempts.PASSING.contains(e.kind())) {
                    throw VolumeException.of(e);
                }
            }
            stall.failed(problem);
            backoff.pause(attempt);
        }
    }

    private @Nullable StoreException attempt(Batch batch, Guard guard) {
        try {
            store.commit(batch.under(guard));
            return null;
        } catch (StoreException e) {
            return e;
        }
    }
}
