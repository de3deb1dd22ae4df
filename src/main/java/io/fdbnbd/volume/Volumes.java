package io.fdbnbd.volume;

import static io.fdbnbd.volume.VolumeException.Kind.BUSY;
import static io.fdbnbd.volume.VolumeException.Kind.SHUTTING_DOWN;
import static io.fdbnbd.volume.VolumeException.Kind.UNCLEAN;

import io.fdbnbd.metrics.Meter;
import io.fdbnbd.store.Store;
import io.fdbnbd.util.ByteBudget;
import io.fdbnbd.util.RateLimit;
import io.fdbnbd.util.Ticker;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
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

        // Written under opening, read without.
        volatile @Nullable Volume volume;

        // Guarded by the lock of Volumes: who holds the volume or waits for it.
        int users;
    }

    private final Store store;
    private final InstantSource clock;
    private final Catalog catalog;
    private final VolumeOptions options;
    private final Ownership ownership;
    private final Environment environment;
    private final Function<String, Meter> meters;
    private final ByteBudget buffers;
    private final Semaphore readAheadPieces;
    private final BlockArrays arrays = new BlockArrays();
    private final RateLimit refusalLog;
    private final ReentrantLock lock = new ReentrantLock();

    // Guarded by lock.
    private final Map<String, Slot> slots = new HashMap<>();
    private boolean closed;

    private @Nullable VolumeException unstored;

    /** @throws VolumeException FUTURE_FORMAT or DAMAGED if this program must not touch the store; IO */
    public Volumes(Store store, VolumeOptions options, Ticker ticker) throws VolumeException {
        this(store, options, ticker, name -> Meter.NONE);
    }

    /**
     * @param meters gives every volume that is opened its own, to be closed with it
     * @throws VolumeException FUTURE_FORMAT or DAMAGED if this program must not touch the store; IO
     */
    public Volumes(Store store, VolumeOptions options, Ticker ticker, Function<String, Meter> meters)
            throws VolumeException {
        this(store, options, Environment.real(ticker), meters);
    }

    Volumes(Store store, VolumeOptions options, Environment environment, Function<String, Meter> meters)
            throws VolumeException {
        this.store = store;
        this.clock = InstantSource.system();
        this.catalog = new Catalog(store, clock);
        this.options = options;
        this.ownership = new Ownership(store, options, environment);
        this.environment = environment;
        this.refusalLog = new RateLimit(environment.ticker());
        this.meters = meters;
        this.buffers = new ByteBudget(options.bufferBytesMax());
        this.readAheadPieces = new Semaphore((int) (options.readAheadBytesMax() / ReadAhead.PIECE_BYTES));
        catalog.checkFormat();
    }

    public Catalog catalog() {
        return catalog;
    }

    /**
     * Attaches a volume, opening it if nobody has.
     *
     * @throws VolumeException MISSING, BUSY, UNCLEAN, SHUTTING_DOWN, DAMAGED, FUTURE_FORMAT or IO
     */
    public Attachment attach(String name) throws VolumeException {
        Slot slot = enter(name);
        boolean attached = false;
        try {
            Attachment attachment = new Attachment(open(name, slot), () -> leave(name, slot));
            attached = true;
            return attachment;
        } catch (VolumeException e) {
            if (e.kind() == BUSY || e.kind() == UNCLEAN) {
                // Not every client shows the person behind it what it was told.
                long suppressed = refusalLog.tryLine();
                if (suppressed >= 0) {
                    Logger.warn("a client was refused: {}{}", e.getMessage(), RateLimit.leftOut(suppressed));
                }
            }
            throw e;
        } finally {
            if (!attached) {
                leave(name, slot);
            }
        }
    }

    /**
     * What verifies a volume, attached or not, here or elsewhere.
     *
     * @throws VolumeException INVALID, MISSING, DAMAGED (its record), FUTURE_FORMAT or IO
     */
    public Scrub scrub(String name) throws VolumeException {
        return new Scrub(store, catalog.find(name).orElseThrow(() -> Catalog.missing(name)));
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

    /** The volumes that are open, in the order of their names. Never waits for the store. */
    public List<OpenVolume> open() {
        List<OpenVolume> open = new ArrayList<>();
        lock.lock();
        try {
            for (Slot slot : slots.values()) {
                Volume volume = slot.volume;
                if (volume != null) {
                    open.add(volume.look(slot.users));
                }
            }
        } finally {
            lock.unlock();
        }
        open.sort(Comparator.comparing(volume -> volume.info().name()));
        return open;
    }

    /** Who owns the volumes that this process has open, for people. */
    public static String thisOwner() {
        return Holder.thisProcess();
    }

    /** Asks the store, and this process, about a volume. Waits for the store. */
    public VolumeStatus status(VolumeInfo info) throws VolumeException {
        Owner.Standing owner;
        Owner.Standing mark;
        try (Backoff backoff = environment.attempts().get()) {
            owner = ownership.standing(info, backoff);
            mark = ownership.left(info, backoff);
        }
        return new VolumeStatus(
                attachedCount(info.name()),
                owner.isOwned() ? Optional.of(owner.holder()) : Optional.empty(),
                mark.isSet() ? Optional.of(mark.holder()) : Optional.empty(),
                failure(info.name()));
    }

    private Optional<VolumeStatus.Failure> failure(String name) {
        Slot slot;
        lock.lock();
        try {
            slot = slots.get(name);
        } finally {
            lock.unlock();
        }
        Volume volume = slot == null ? null : slot.volume;
        return volume == null
                ? Optional.empty()
                : volume.failure()
                        .map(failure -> new VolumeStatus.Failure(
                                clock.instant().minusNanos(environment.ticker().nanoTime() - failure.sinceNanos()),
                                failure.reason()));
    }

    /**
     * Deletes a volume that is not attached, clean or not.
     *
     * @throws VolumeException BUSY if it is attached, here or by another server that lives; MISSING, DAMAGED or IO;
     *     nothing has changed then
     */
    public void delete(String name) throws VolumeException {
        whileDetached(name, () -> {
            if (store.isShared()) {
                deleteShared(name);
            } else {
                catalog.delete(name);
            }
            return true;
        });
    }

    private void deleteShared(String name) throws VolumeException {
        VolumeInfo info = catalog.find(name).orElseThrow(() -> Catalog.missing(name));
        try (Backoff backoff = environment.attempts().get()) {
            catalog.delete(name, ownership.take(info, backoff));
        }
    }

    /**
     * Says of a volume that was left unclean that its clients have been restarted, so that it can be attached.
     *
     * @return who left it unclean, for people; empty if it was clean, and nothing has changed then
     * @throws VolumeException BUSY if it is attached, here or by another server that lives; MISSING, DAMAGED or IO
     */
    public Optional<String> recover(String name) throws VolumeException {
        return whileDetached(name, () -> {
            VolumeInfo info = catalog.find(name).orElseThrow(() -> Catalog.missing(name));
            try (Backoff backoff = environment.attempts().get()) {
                return ownership.recover(info, backoff);
            }
        });
    }

    private interface Change<T> {
        T make() throws VolumeException;
    }

    private <T> T whileDetached(String name, Change<T> change) throws VolumeException {
        Slot slot = enter(name);
        try {
            slot.opening.lock();
            try {
                if (slot.volume != null) {
                    throw new VolumeException(BUSY, "volume '" + name + "' is attached: disconnect its clients first");
                }
                return change.make();
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
                Backoff backoff = environment.attempts().get();
                Ownership.Held held = ownership.takeForClients(info, backoff);
                ByteBudget.Share budget =
                        buffers.share(VolumeOptions.VOLUME_BUFFER_BYTES_GUARANTEED, options.volumeBufferBytesMax());
                slot.volume = new Volume(
                        info,
                        store,
                        held,
                        options.ackMode(),
                        budget,
                        readAheadPieces,
                        arrays,
                        backoff,
                        environment,
                        meters.apply(name));
            }
            return slot.volume;
        } finally {
            slot.opening.unlock();
        }
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
            if (e.kind() != VolumeException.Kind.LOST_OWNERSHIP) { // which was said when it was lost
                Logger.error("volume '{}' was not closed cleanly: {}", name, e.getMessage());
            }
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
