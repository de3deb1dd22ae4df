package io.fdbnbd.volume;

import io.fdbnbd.store.Batch;
import io.fdbnbd.store.Guard;
import io.fdbnbd.store.Store;
import io.fdbnbd.store.StoreException;
import io.fdbnbd.util.Ticker;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.tinylog.Logger;

/**
 * Brings transactions to their end: committed, or the volume failed. Repeating one is safe because no other transaction
 * in flight holds any of its blocks and newer writes of them wait. Any thread.
 */
final class Flights {

    /** How long a commit may keep failing before the log says so. */
    private static final long STALL_LOGGED_AFTER_NANOS = TimeUnit.SECONDS.toNanos(2);

    private final String name;
    private final Store store;
    private final Owner owner;
    private final WriteBuffer buffer;
    private final BlockReader reader;
    private final Backoff backoff;
    private final Ticker ticker;

    Flights(
            String name,
            Store store,
            Owner owner,
            WriteBuffer buffer,
            BlockReader reader,
            Backoff backoff,
            Ticker ticker) {
        this.name = name;
        this.store = store;
        this.owner = owner;
        this.buffer = buffer;
        this.reader = reader;
        this.backoff = backoff;
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
            buffer.land(flight.clears(), flight.blocks());
        } catch (VolumeException e) {
            fail(e);
        } catch (RuntimeException e) {
            fail(new VolumeException(VolumeException.Kind.IO, "the commit failed: " + e, e));
        }
    }

    /** Ends the taking of writes, and logs why. */
    void fail(VolumeException cause) {
        if (buffer.fail(cause)) {
            Logger.error("volume '{}' has failed and takes no more writes until it is attached anew: {}", name, cause);
        }
    }

    private void commit(Batch batch) throws VolumeException {
        long began = ticker.nanoTime();
        boolean logged = false;
        for (int attempt = 0; ; attempt++) {
            Guard guard = owner.guard();
            try {
                store.commit(batch.under(guard));
                if (logged) {
                    Logger.info("volume '{}' commits again, after {} s", name, secondsSince(began));
                }
                return;
            } catch (StoreException e) {
                settle(e, guard);
                if (!logged && ticker.nanoTime() - began >= STALL_LOGGED_AFTER_NANOS) {
                    logged = true;
                    Logger.warn(
                            "volume '{}' can not commit for {} s, and keeps trying: {}",
                            name,
                            secondsSince(began),
                            e.getMessage());
                }
            }
            backoff.pause(attempt);
        }
    }

    /** Returns if the batch may be tried again, once it is certain that this attempt can not commit later. */
    private void settle(StoreException failure, Guard guard) throws VolumeException {
        try {
            switch (failure.kind()) {
                case RETRYABLE, UNKNOWN_OUTCOME -> {}
                case UNRESOLVED_OUTCOME -> owner.fence(guard);
                case GUARD_LOST -> {
                    if (!owner.stillOwnerAfter(guard)) {
                        throw owner.lost();
                    }
                }
                case NO_SPACE, FATAL -> throw VolumeException.of(failure);
            }
        } catch (StoreException e) {
            // Whether this process is still the owner can not be known now. The batch stays under its old guard, or
            // goes under a new one that was proven: trying again is safe either way.
            Logger.debug("volume '{}': {}", name, e.getMessage());
        }
    }

    private long secondsSince(long began) {
        return TimeUnit.NANOSECONDS.toSeconds(ticker.nanoTime() - began);
    }
}
