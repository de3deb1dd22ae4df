package io.fdbnbd.volume;

import static io.fdbnbd.volume.VolumeException.Kind.BUSY;
import static io.fdbnbd.volume.VolumeException.Kind.SHUTTING_DOWN;

import io.fdbnbd.metrics.Metrics;
import io.fdbnbd.store.Store;
import io.fdbnbd.util.ByteBudget;
import io.fdbnbd.util.Ticker;
import java.security.SecureRandom;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.Semaphore;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.tinylog.Logger;

/**
 * The volumes that this process has open: a volume is opened at its first attach and closed at its last detach. Any
 * thread; calls wait for the store.
 *
 * <p>Locks, in order: a slot's own, held while its volume is opened or closed, so that a slow one keeps nobody else
 * waiting; then {@code lock}, for the map and the counts.
 */
public final class Volumes implements AutoCloseable {

    private static final class Slot {
        final ReentrantLock opening = new ReentrantLock();

        // Guarded by opening.
        @Nullable
        Volume volume;

        // Guarded by the lock of Volumes: who holds the volume or waits for it.
        int users;
    }

    private final Store store;
    private final Catalog catalog;
    private final VolumeOptions options;
    private final Takeover takeover;
    private final Ticker ticker;
    private final Metrics metrics;
    private final ByteBudget buffers;
    private final Semaphore readAheadPieces;
    private final SecureRandom random = new SecureRandom();
    private final byte[] process = new byte[Owner.PROCESS_BYTES];
    private final Supplier<Backoff> backoffs;
    private final ReentrantLock lock = new ReentrantLock();

    // Guarded by lock.
    private final Map<String, Slot> slots = new HashMap<>();
    private boolean closed;

    private @Nullable VolumeException unstored;

    /** @throws VolumeException FUTURE_FORMAT or DAMAGED if this program must not touch the store; IO */
    public Volumes(Store store, VolumeOptions options, Ticker ticker) throws VolumeException {
        this(store, options, ticker, new Metrics());
    }

    /**
     * @param metrics has a meter for every open volume
     * @throws VolumeException FUTURE_FORMAT or DAMAGED if this program must not touch the store; IO
     */
    public Volumes(Store store, VolumeOptions options, Ticker ticker, Metrics metrics) throws VolumeException {
        this(store, options, ticker, metrics, () -> Backoff.exponential(5, 1000));
    }

    /** @param backoffs gives every volume its own */
    Volumes(Store store, VolumeOptions options, Ticker ticker, Metrics metrics, Supplier<Backoff> backoffs)
            throws VolumeException {
        this.store = store;
        this.catalog = new Catalog(store, InstantSource.system());
        this.options = options;
        this.takeover = new Takeover(store, options.takeOver(), ticker, Takeover.Pause.REAL);
        this.ticker = ticker;
        this.metrics = metrics;
        this.backoffs = backoffs;
        this.buffers = new ByteBudget(options.bufferBytesMax());
        this.readAheadPieces = new Semaphore((int) (options.readAheadBytesMax() / ReadAhead.PIECE_BYTES));
        random.nextBytes(process);
        catalog.checkFormat();
    }

    public Catalog catalog() {
        return catalog;
    }

    /**
     * Attaches a volume, opening it if nobody has.
     *
     * @throws VolumeException MISSING, SHUTTING_DOWN, DAMAGED, FUTURE_FORMAT or IO
     */
    public Attachment attach(String name) throws VolumeException {
        Slot slot = enter(name);
        boolean attached = false;
        try {
            Attachment attachment = new Attachment(open(name, slot), () -> leave(name, slot));
            attached = true;
            return attachment;
        } finally {
            if (!attached) {
                leave(name, slot);
            }
        }
    }

    /** How many connections have the volume attached. */
    public int attachedCount(String name) {
        lock.lock();
        try {
            Slot slot = slots.get(name);
            return slot == null ? 0 : slot.users;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Deletes a volume that is not attached.
     *
     * @throws VolumeException BUSY, MISSING, DAMAGED or IO; nothing has changed then
     */
    public void delete(String name) throws VolumeException {
        Slot slot = enter(name);
        try {
            slot.opening.lock();
            try {
                if (slot.volume != null) {
                    throw new VolumeException(BUSY, "volume '" + name + "' is attached: disconnect its clients first");
                }
                catalog.delete(name);
            } finally {
                slot.opening.unlock();
            }
        } finally {
            leave(name, slot);
        }
    }

    private Slot enter(String name) throws VolumeException {
        lock.lock();
        try {
            if (closed) {
                throw new VolumeException(SHUTTING_DOWN, "the server is stopping");
            }
            Slot slot = slots.computeIfAbsent(name, missing -> new Slot());
            slot.users++;
            return slot;
        } finally {
            lock.unlock();
        }
    }

    private Volume open(String name, Slot slot) throws VolumeException {
        slot.opening.lock();
        try {
            if (slot.volume == null) {
                VolumeInfo info = catalog.find(name).orElseThrow(() -> Catalog.missing(name));
                Backoff backoff = backoffs.get();
                byte[] session = newSession();
                Owner owner = acquire(info, session, backoff);
                ByteBudget.Share budget =
                        buffers.share(VolumeOptions.VOLUME_BUFFER_BYTES_GUARANTEED, options.volumeBufferBytesMax());
                slot.volume = new Volume(
                        info,
                        store,
                        owner,
                        session,
                        options.ackMode(),
                        budget,
                        readAheadPieces,
                        backoff,
                        ticker,
                        metrics.open(name));
            }
            return slot.volume;
        } finally {
            slot.opening.unlock();
        }
    }

    private byte[] newSession() {
        byte[] session = new byte[Owner.SESSION_BYTES];
        random.nextBytes(session);
        System.arraycopy(process, 0, session, 0, Owner.PROCESS_BYTES);
        return session;
    }

    private Owner acquire(VolumeInfo info, byte[] session, Backoff backoff) throws VolumeException {
        Owner.Standing standing =
                Attempts.repeat(Attempts.WHILE_OPENING_MAX, backoff, () -> Owner.Standing.of(store, info));
        boolean foreign = standing.isForeignTo(session);
        if (foreign) {
            takeover.awaitPermission(info, standing.holder(), backoff);
        }
        Owner owner = Owner.acquire(store, info, session, standing, backoff);
        if (foreign) {
            takeover.awaitSilence();
        }
        return owner;
    }

    /**
     * Lets go; the last user closes the volume. All of it under the slot's lock, so that of several users that leave
     * together one sees itself as the last, and no slot is forgotten whose volume is still being closed.
     */
    private void leave(String name, Slot slot) {
        slot.opening.lock();
        try {
            if (countDown(slot) == 0) {
                closeVolume(name, slot);
            }
        } finally {
            forgetUnused(name, slot);
            slot.opening.unlock();
        }
    }

    private int countDown(Slot slot) {
        lock.lock();
        try {
            return --slot.users;
        } finally {
            lock.unlock();
        }
    }

    /** Whoever comes while the volume is being closed uses the same slot, to wait for the end of it. */
    private void forgetUnused(String name, Slot slot) {
        lock.lock();
        try {
            if (slot.users == 0) {
                slots.remove(name);
            }
        } finally {
            lock.unlock();
        }
    }

    private void closeVolume(String name, Slot slot) {
        Volume volume = slot.volume;
        slot.volume = null;
        if (volume == null) {
            return;
        }
        try {
            volume.close(options.closeDeadline());
        } catch (VolumeException e) {
            Logger.error("volume '{}' was not closed cleanly: {}", name, e.getMessage());
            rememberIfStopping(e);
        }
    }

    private void rememberIfStopping(VolumeException failure) {
        lock.lock();
        try {
            if (closed && unstored == null) {
                unstored = failure;
            }
        } finally {
            lock.unlock();
        }
    }

    /** Begins the stop: refuses new attachments. Those that exist go on. */
    public void refuseAttaching() {
        lock.lock();
        try {
            closed = true;
        } finally {
            lock.unlock();
        }
    }

    /**
     * For the end of a stop, when the connections have ended.
     *
     * @throws VolumeException if a volume, closed since {@link #refuseAttaching} or not closed yet, holds writes that were
     *     answered and are not stored; the first of them if there are more, the others are in the log
     */
    public void requireAllStored() throws VolumeException {
        lock.lock();
        try {
            if (unstored != null) {
                throw unstored;
            }
            if (!slots.isEmpty()) {
                throw new VolumeException(
                        VolumeException.Kind.IO,
                        "volumes " + slots.keySet() + " are still attached at the end: what was answered after the last"
                                + " flush may be lost");
            }
        } finally {
            lock.unlock();
        }
    }

    /** Refuses new attachments. The connections, which must have ended before, close the volumes. */
    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            if (!slots.isEmpty()) {
                Logger.warn("volumes {} are still attached at the end", slots.keySet());
            }
        } finally {
            lock.unlock();
        }
    }
}
