package io.fdbnbd.volume;

import io.fdbnbd.store.Store;
import java.security.SecureRandom;
import java.util.Optional;

/**
 * How this process comes to own volumes: who lives is asked first, who is dead is displaced, and what was left unclean
 * is refused, or accepted by whoever may. Any thread; one call a volume at a time. Calls wait for the store.
 */
final class Ownership {

    /** A volume is this process's. */
    record Held(Owner owner, byte[] session) {}

    private final Store store;
    private final Takeover takeover;
    private final AckMode ackMode;
    private final UncleanPolicy onUnclean;
    private final SecureRandom random = new SecureRandom();
    private final byte[] process = new byte[Owner.PROCESS_BYTES];

    Ownership(Store store, VolumeOptions options, Environment environment) {
        this.store = store;
        this.takeover = new Takeover(store, options.takeOver(), environment.ticker(), environment.pause());
        this.ackMode = options.ackMode();
        this.onUnclean = options.onUnclean();
        random.nextBytes(process);
    }

    /**
     * Takes a volume for clients.
     *
     * @throws VolumeException BUSY if its owner lives; UNCLEAN, before anybody is displaced who was marked then; MISSING
     *     or IO
     */
    Held takeForClients(VolumeInfo info, Backoff backoff) throws VolumeException {
        byte[] session = newSession();
        Owner.Standing standing = awaitPermission(info, session, backoff);
        Owner.Standing before = left(info, backoff);
        if (!isAcceptable(before, session)) {
            throw UncleanMark.refusal(info, before);
        }
        Owner owner = Owner.acquire(store, info, session, standing, backoff);
        // Again: only from here on nobody else can set it.
        Owner.Standing left = left(info, backoff);
        if (!isAcceptable(left, session)) {
            release(owner, Owner.Mark.STAYS, backoff);
            throw UncleanMark.refusal(info, left);
        }
        if (left.isSet()) {
            UncleanMark.accept(info, left);
            Attempts.repeat(Attempts.WHILE_OPENING_MAX, backoff, () -> {
                owner.clearMark();
                return true;
            });
        }
        if (ackMode == AckMode.COMMITTED) {
            // What the owner before stored and did not come to sync will be read, and no flush of ours would sync it.
            sync(backoff);
        }
        if (standing.isForeignTo(session)) {
            takeover.taken(info, standing.holder());
        }
        return new Held(owner, session);
    }

    /** What this very process left is never accepted: its clients may have been here all the time. */
    private boolean isAcceptable(Owner.Standing left, byte[] session) {
        return !left.isSet() || (onUnclean == UncleanPolicy.ACCEPT && left.isForeignTo(session));
    }

    /**
     * Clears the mark of a volume that nobody who lives has.
     *
     * @return who left it unclean, for people; empty if it was not
     * @throws VolumeException BUSY if its owner lives; MISSING or IO
     */
    Optional<String> recover(VolumeInfo info, Backoff backoff) throws VolumeException {
        if (!left(info, backoff).isSet()) {
            return Optional.empty();
        }
        Owner owner = take(info, backoff);
        Owner.Standing left = left(info, backoff);
        release(owner, Owner.Mark.CLEARED, backoff);
        sync(backoff);
        return left.isSet() ? Optional.of(left.holder()) : Optional.empty();
    }

    /**
     * Takes a volume, clean or not, to change it as a whole.
     *
     * @throws VolumeException BUSY if its owner lives; MISSING or IO
     */
    Owner take(VolumeInfo info, Backoff backoff) throws VolumeException {
        byte[] session = newSession();
        return Owner.acquire(store, info, session, awaitPermission(info, session, backoff), backoff);
    }

    private byte[] newSession() {
        byte[] session = new byte[Owner.SESSION_BYTES];
        random.nextBytes(session);
        System.arraycopy(process, 0, session, 0, Owner.PROCESS_BYTES);
        return session;
    }

    private Owner.Standing awaitPermission(VolumeInfo info, byte[] session, Backoff backoff) throws VolumeException {
        Owner.Standing standing = standing(info, backoff);
        if (standing.isForeignTo(session)) {
            takeover.awaitPermission(info, standing.holder(), backoff);
        }
        return standing;
    }

    /** Who owns a volume, or did and never let go. */
    Owner.Standing standing(VolumeInfo info, Backoff backoff) throws VolumeException {
        return Attempts.repeat(Attempts.WHILE_OPENING_MAX, backoff, () -> Owner.Standing.of(store, info));
    }

    /** Who marked a volume, and left it unclean unless it is the owner and lives. */
    Owner.Standing left(VolumeInfo info, Backoff backoff) throws VolumeException {
        return Attempts.repeat(Attempts.WHILE_OPENING_MAX, backoff, () -> UncleanMark.left(store, info));
    }

    private void sync(Backoff backoff) throws VolumeException {
        Attempts.repeat(Attempts.WHILE_OPENING_MAX, backoff, () -> {
            store.sync();
            return true;
        });
    }

    private static void release(Owner owner, Owner.Mark mark, Backoff backoff) throws VolumeException {
        Attempts.repeat(Attempts.WHILE_OPENING_MAX, backoff, () -> {
            owner.release(mark);
            return true;
        });
    }
}
