package io.fdbnbd.volume;

import io.fdbnbd.store.Batch;
import io.fdbnbd.store.Guard;
import io.fdbnbd.store.Store;
import io.fdbnbd.store.StoreException;
import io.fdbnbd.util.Threads;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.function.Consumer;
import org.tinylog.Logger;

/**
 * Keeps a volume's lease fresh while its owner lives, in a store that other processes share. A convenience for whoever
 * wants to know whether an owner is dead; what makes a takeover safe is the owner key alone. All that an idle volume
 * costs the store. One virtual thread, {@code lease-NAME}.
 */
final class Heartbeat implements AutoCloseable {

    static final Duration INTERVAL = Duration.ofSeconds(2);

    private static final Duration JOIN_DEADLINE = Duration.ofSeconds(5);

    private final Store store;
    private final Owner owner;
    private final VolumeInfo info;
    private final byte[] session;
    private final Consumer<VolumeException> onLost;
    private final Backoff pauses;
    private final Thread thread;

    /**
     * Starts beating.
     *
     * @param pauses between the beats; closed by {@link #close}
     * @param onLost is told, on the heartbeat's thread, if the volume is owned by another process
     */
    Heartbeat(
            Store store,
            Owner owner,
            VolumeInfo info,
            byte[] session,
            Backoff pauses,
            Consumer<VolumeException> onLost) {
        this.store = store;
        this.owner = owner;
        this.info = info;
        this.session = session;
        this.pauses = pauses;
        this.onLost = onLost;
        this.thread = Threads.startVirtual("lease-" + info.name(), this::run);
    }

    private void run() {
        try {
            for (int beat = 0; beat(lease(beat)); beat++) {
                pauses.pause(beat);
            }
        } catch (VolumeException e) {
            Logger.debug("the lease of volume '{}' ends: {}", info.name(), e.getMessage());
        }
    }

    /**
     * Bytes that change with every beat and are nobody else's. None of them is a time: whoever wants to take over watches,
     * by its own clock, whether they change.
     */
    private byte[] lease(long beat) {
        return ByteBuffer.allocate(session.length + Long.BYTES)
                .put(session)
                .putLong(beat)
                .array();
    }

    private boolean beat(byte[] lease) {
        Guard guard = owner.guard();
        try {
            store.commit(new Batch().require(guard).set(Keys.lease(info.layer()), lease));
        } catch (StoreException e) {
            return e.kind() != StoreException.Kind.GUARD_LOST || isStillOwner(guard);
        } catch (IllegalStateException e) {
            // The store was closed before this volume, which is then past saving.
            Logger.debug(e, "the lease of volume '{}' ends", info.name());
            return false;
        }
        return true;
    }

    private boolean isStillOwner(Guard guard) {
        try {
            owner.checkStillOwner(guard);
            return true;
        } catch (VolumeException e) {
            onLost.accept(e);
            return false;
        } catch (StoreException e) {
            // Not to be known now: the next beat asks again.
            Logger.debug("volume '{}': {}", info.name(), e.getMessage());
            return true;
        }
    }

    @Override
    public void close() {
        pauses.close();
        Threads.joinOrWarn(thread, JOIN_DEADLINE);
    }
}
