package io.fdbnbd.volume;

import io.fdbnbd.store.Batch;
import io.fdbnbd.store.Guard;
import io.fdbnbd.store.Store;
import io.fdbnbd.store.StoreException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * This process's ownership of a volume: the owner key holds its random session(16) and an epoch(8), and every batch of
 * data is guarded by that value, so that nothing of a displaced owner can commit after the takeover. Only attaching,
 * taking over, fencing and letting go write the key: data batches must not, or they would conflict with each other.
 *
 * <p>Any thread; calls wait for the store. The lock makes fencing one at a time.
 */
final class Owner {

    private static final int SESSION_BYTES = 16;
    private static final byte[] NOBODY = new byte[SESSION_BYTES];
    private static final int VALUE_BYTES = SESSION_BYTES + Long.BYTES;

    /** Attempts to write the key while others write it too. */
    private static final int ATTEMPTS_MAX = 100;

    private final Store store;
    private final String name;
    private final byte[] key;
    private final byte[] session;
    private final Guard exists;
    private final ReentrantLock lock = new ReentrantLock();

    // Written under lock.
    private volatile Guard guard;

    private Owner(Store store, String name, byte[] key, byte[] session, Guard exists, Guard guard) {
        this.store = store;
        this.name = name;
        this.key = key;
        this.session = session;
        this.exists = exists;
        this.guard = guard;
    }

    /** What a volume's owner key says before it is attached. */
    record Standing(byte @Nullable [] value) {

        static Standing of(Store store, VolumeInfo info) throws StoreException {
            return new Standing(store.get(Keys.owner(info.layer())));
        }

        /** Whether some other session than this holds the volume, or held it and never let go. */
        boolean isForeignTo(byte[] session) {
            return value != null
                    && value.length == VALUE_BYTES
                    && !Arrays.equals(value, 0, SESSION_BYTES, session, 0, SESSION_BYTES)
                    && !Arrays.equals(value, 0, SESSION_BYTES, NOBODY, 0, SESSION_BYTES);
        }
    }

    /**
     * Becomes the owner, displacing whoever was.
     *
     * @param session random, this process's own
     * @param standing what was seen before; not displaced is who came since
     * @throws VolumeException MISSING if the volume was deleted meanwhile, BUSY if another server was quicker
     */
    static Owner acquire(Store store, VolumeInfo info, byte[] session, Standing standing)
            throws VolumeException, StoreException {
        byte[] key = Keys.owner(info.layer());
        Guard exists = new Guard(Keys.volume(VolumeSpec.nameBytes(info.name())), VolumeRecord.encode(info));
        Owner owner = new Owner(store, info.name(), key, session, exists, new Guard(key, null));
        owner.write(session, current -> {
            if (!Arrays.equals(current, standing.value()) && !owner.isMine(current)) {
                throw new VolumeException(
                        VolumeException.Kind.BUSY,
                        "volume '" + info.name() + "' was attached by another server just now: try again later");
            }
        });
        return owner;
    }

    /** What every data batch of this owner requires now. */
    Guard guard() {
        return guard;
    }

    /**
     * Finds out why a batch under {@code used} was refused.
     *
     * @return true if this process still owns the volume, and the batch may be tried under {@link #guard}
     */
    boolean stillOwnerAfter(Guard used) throws StoreException {
        return !used.equals(guard) || Arrays.equals(store.get(key), guard.value());
    }

    /**
     * Makes sure that no batch under {@code used} can still commit, by giving the key a new epoch. Batches of this
     * process that were under way then fail with GUARD_LOST, and may be tried again under the new guard.
     */
    void fence(Guard used) throws VolumeException, StoreException {
        lock.lock();
        try {
            if (used.equals(guard)) {
                write(session, this::checkMine);
            }
        } finally {
            lock.unlock();
        }
    }

    /** Gives the volume up, so that the next owner need not wait. Nothing may be committed under the guard afterwards. */
    void release() throws VolumeException, StoreException {
        lock.lock();
        try {
            write(NOBODY, this::checkMine);
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
            throw lost();
        }
    }

    /** Writes the next epoch with a session. */
    private void write(byte[] newSession, Permission permission) throws VolumeException, StoreException {
        StoreException last = null;
        for (int attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
            byte[] current = store.get(key);
            permission.check(current);
            byte[] next = ByteBuffer.allocate(VALUE_BYTES)
                    .put(newSession)
                    .putLong(epoch(current) + 1)
                    .array();
            try {
                store.commit(new Batch()
                        .require(exists)
                        .require(new Guard(key, current))
                        .set(key, next));
                guard = new Guard(key, next);
                return;
            } catch (StoreException e) {
                last = e;
                if (e.kind() == StoreException.Kind.GUARD_LOST) {
                    checkExists();
                } else if (e.kind() != StoreException.Kind.RETRYABLE
                        && e.kind() != StoreException.Kind.UNKNOWN_OUTCOME
                        && e.kind() != StoreException.Kind.UNRESOLVED_OUTCOME) {
                    throw e;
                }
            }
        }
        throw new VolumeException(
                VolumeException.Kind.IO, "the owner of volume '" + name + "' could not be written", last);
    }

    private void checkExists() throws VolumeException, StoreException {
        if (!Arrays.equals(store.get(exists.key()), exists.value())) {
            throw Catalog.missing(name);
        }
    }

    private boolean isMine(byte @Nullable [] value) {
        return value != null
                && value.length == VALUE_BYTES
                && Arrays.equals(value, 0, SESSION_BYTES, session, 0, SESSION_BYTES);
    }

    private static long epoch(byte @Nullable [] value) {
        return value == null || value.length != VALUE_BYTES
                ? 0
                : ByteBuffer.wrap(value).getLong(SESSION_BYTES);
    }

    VolumeException lost() {
        return new VolumeException(
                VolumeException.Kind.LOST_OWNERSHIP,
                "volume '" + name + "' was taken over by another server, or deleted: attach it anew");
    }
}
