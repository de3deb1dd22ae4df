package io.fdbnbd.volume;

import io.fdbnbd.store.Batch;
import io.fdbnbd.store.Guard;
import io.fdbnbd.store.Store;
import io.fdbnbd.store.StoreException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Objects;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * This process's ownership of a volume: the owner key holds a random session(16) and an epoch(8), and every batch of
 * data is guarded by that value, so that nothing of a displaced owner can commit after the takeover. Only attaching,
 * taking over, fencing and letting go write the key: data batches must not, or they would conflict with each other.
 *
 * <p>Every acquisition has a session of its own. An owner of this process that was closed with a call of the store
 * still under way must not take its successor's key for its own.
 *
 * <p>Any thread; calls wait for the store. The lock makes fencing one at a time.
 */
final class Owner {

    static final int SESSION_BYTES = 16;

    /** The first bytes of a session are its process's, the others of one acquisition. */
    static final int PROCESS_BYTES = 8;

    private static final byte[] NOBODY = new byte[SESSION_BYTES];
    private static final int HEADER_BYTES = SESSION_BYTES + Long.BYTES;

    /** Who this process is, for people: behind what is compared, so that it need not be unique. */
    private static final byte[] HOLDER = Holder.thisProcess().getBytes(StandardCharsets.UTF_8);

    /** Attempts to write the key while others write it too. */
    private static final int ATTEMPTS_MAX = 100;

    private final Store store;
    private final String name;
    private final byte[] key;
    private final byte[] markKey;
    private final byte[] session;
    private final Guard exists;
    private final ReentrantLock lock = new ReentrantLock();

    // Written under lock.
    private volatile Guard guard;

    // Guarded by lock: what an attempt with an unknown outcome may have written.
    private byte @Nullable [] perhapsWritten;

    private Owner(Store store, VolumeInfo info, byte[] session) throws VolumeException {
        this.store = store;
        this.name = info.name();
        this.key = Keys.owner(info.layer());
        this.markKey = Keys.mark(info.layer());
        this.session = session;
        this.exists = new Guard(Keys.volume(VolumeSpec.nameBytes(name)), VolumeRecord.encode(info));
        this.guard = new Guard(key, null);
    }

    /** Whether an owner key may hold that. */
    static boolean isWellFormed(byte[] value) {
        return value.length >= HEADER_BYTES;
    }

    /** What a volume's owner key, or its {@link UncleanMark}, says before it is attached. */
    record Standing(byte @Nullable [] value) {

        static Standing of(Store store, VolumeInfo info) throws StoreException {
            return new Standing(store.get(Keys.owner(info.layer())));
        }

        boolean isSet() {
            return value != null;
        }

        boolean isOwned() {
            return value != null
                    && value.length >= HEADER_BYTES
                    && !Arrays.equals(value, 0, SESSION_BYTES, NOBODY, 0, SESSION_BYTES);
        }

        /** Who the owner is, or was, for people. */
        String holder() {
            return value == null ? "nobody" : holderOf(value);
        }

        /** Whether another process than that of this session holds the volume, or held it and never let go. */
        boolean isForeignTo(byte[] session) {
            return isOwned() && !Arrays.equals(value, 0, PROCESS_BYTES, session, 0, PROCESS_BYTES);
        }
    }

    /**
     * Becomes the owner, displacing whoever was.
     *
     * @param session random: the process's part first, then that of this acquisition
     * @param standing what was seen before; not displaced is who came since
     * @throws VolumeException MISSING if the volume was deleted meanwhile, BUSY if another server was quicker
     */
    static Owner acquire(Store store, VolumeInfo info, byte[] session, Standing standing, Backoff backoff)
            throws VolumeException {
        Owner owner = new Owner(store, info, session);
        return Attempts.repeat(Attempts.WHILE_OPENING_MAX, backoff, () -> {
            owner.acquireFrom(standing);
            return owner;
        });
    }

    private void acquireFrom(Standing standing) throws VolumeException, StoreException {
        lock.lock();
        try {
            write(session, Mark.STAYS, current -> {
                if (!Arrays.equals(current, standing.value()) && new Standing(current).isForeignTo(session)) {
                    throw new VolumeException(
                            VolumeException.Kind.BUSY,
                            "volume '" + name + "' was attached by another server just now: try again later");
                }
            });
        } finally {
            lock.unlock();
        }
    }

    /** What every data batch of this owner requires now. */
    Guard guard() {
        return guard;
    }

    /** How often the volume's owner key was written until this guard. */
    long epoch() {
        return epoch(guard.value());
    }

    /** What the owner key holds: who this is, for whoever comes after. */
    byte[] identity() {
        return Objects.requireNonNull(guard.value(), "not acquired");
    }

    /**
     * Finds out why something under {@code used} was refused. Returns if this process still owns the volume: then it may
     * be tried again, under {@link #guard}.
     *
     * @throws VolumeException LOST_OWNERSHIP
     */
    void checkStillOwner(Guard used) throws VolumeException, StoreException {
        // Under the lock: while a fence is under way, the key is ahead of the guard.
        lock.lock();
        try {
            if (used.equals(guard)) {
                byte[] current = store.get(key);
                if (current == null || !isMine(current)) {
                    throw lost(current);
                }
                // Perhaps of a fence whose outcome was unknown.
                written(current);
            }
        } finally {
            lock.unlock();
        }
    }

    /**
     * Makes sure that no batch under {@code used} can still commit, by giving the key a new epoch. Batches of this
     * process that were under way then fail with GUARD_LOST, and may be tried again under the new guard.
     */
    void fence(Guard used) throws VolumeException, StoreException {
        lock.lock();
        try {
            if (used.equals(guard)) {
                write(session, Mark.STAYS, this::checkMine);
            }
        } finally {
            lock.unlock();
        }
    }

    /** What becomes of a volume's {@link UncleanMark} when its owner key is written. */
    enum Mark {
        STAYS,
        CLEARED
    }

    /** Clears the mark of a volume that was left unclean. */
    void clearMark() throws VolumeException, StoreException {
        lock.lock();
        try {
            write(session, Mark.CLEARED, this::checkMine);
        } finally {
            lock.unlock();
        }
    }

    /** Gives the volume up, so that the next owner need not wait. Nothing may be committed under the guard afterwards. */
    void release(Mark mark) throws VolumeException, StoreException {
        lock.lock();
        try {
            write(NOBODY, mark, this::checkMine);
        } finally {
            lock.unlock();
        }
    }

    /** Throws if the owner key may not be overwritten, given what it holds now. */
    private interface Permission {
        void check(byte @Nullable [] current) throws VolumeException;
    }

    private void checkMine(byte @Nullable [] current) throws VolumeException {
        if (!isMine(current)) {
            throw lost(current);
        }
    }

    /**
     * Writes the next epoch with a session. Under the lock.
     *
     * @throws StoreException RETRYABLE if it may work later
     */
    private void write(byte[] newSession, Mark mark, Permission permission) throws VolumeException, StoreException {
        StoreException last = null;
        for (int attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
            byte[] current = store.get(key);
            if (current != null && Arrays.equals(current, perhapsWritten)) {
                written(current);
                return;
            }
            permission.check(current);
            byte[] next = ByteBuffer.allocate(HEADER_BYTES + HOLDER.length)
                    .put(newSession)
                    .putLong(epoch(current) + 1)
                    .put(HOLDER)
                    .array();
            try {
                Batch batch = new Batch()
                        .require(exists)
                        .require(new Guard(key, current))
                        .set(key, next);
                store.commit(mark == Mark.CLEARED ? batch.clear(markKey) : batch);
                written(next);
                return;
            } catch (StoreException e) {
                last = e;
                switch (e.kind()) {
                    case GUARD_LOST -> checkExists();
                    // If it is applied late, after another attempt, it finds its own guard broken.
                    case UNKNOWN_OUTCOME, UNRESOLVED_OUTCOME -> perhapsWritten = next;
                    case RETRYABLE, NO_SPACE, FATAL -> throw e;
                }
            }
        }
        throw new StoreException(
                StoreException.Kind.RETRYABLE, "the owner of volume '" + name + "' could not be written", last);
    }

    private void written(byte[] value) {
        guard = new Guard(key, value);
        perhapsWritten = null;
    }

    private void checkExists() throws VolumeException, StoreException {
        if (!Arrays.equals(store.get(exists.key()), exists.value())) {
            throw Catalog.missing(name);
        }
    }

    private boolean isMine(byte @Nullable [] value) {
        return value != null
                && value.length >= HEADER_BYTES
                && Arrays.equals(value, 0, SESSION_BYTES, session, 0, SESSION_BYTES);
    }

    private static long epoch(byte @Nullable [] value) {
        return value == null || value.length < HEADER_BYTES
                ? 0
                : ByteBuffer.wrap(value).getLong(SESSION_BYTES);
    }

    private VolumeException lost(byte @Nullable [] current) {
        String how = current == null ? "was deleted" : "was taken over by " + holderOf(current);
        return new VolumeException(VolumeException.Kind.LOST_OWNERSHIP, "volume '" + name + "' " + how);
    }

    private static String holderOf(byte[] value) {
        return value.length <= HEADER_BYTES
                ? "an unknown server"
                : new String(value, HEADER_BYTES, value.length - HEADER_BYTES, StandardCharsets.UTF_8);
    }
}
