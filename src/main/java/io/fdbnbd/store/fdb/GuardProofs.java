package io.fdbnbd.store.fdb;

import io.fdbnbd.store.Guard;
import io.fdbnbd.util.Ticker;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * At which versions guards were last seen to hold. A read at such a version needs no version of its own from the
 * cluster, and a commit that declares a conflict on the guard's key since then needs no read of it.
 *
 * <p>Every version in here came from this cluster: a version from anywhere else that is ahead of it would be accepted
 * at commit and hide a takeover. Any thread.
 */
final class GuardProofs {

    /**
     * A version at which a guard held.
     *
     * @param takenNanos when the version was asked for, or its commit was sent: not later than it came to be
     * @param askedNanos when a version was last asked for of the cluster's ratekeeper, instead of taken from a commit
     */
    record Proof(long version, long takenNanos, long askedNanos) {}

    private static final class Entry {
        volatile Proof proof;
        final AtomicBoolean refreshing = new AtomicBoolean();

        Entry(Proof proof) {
            this.proof = proof;
        }
    }

    private final ConcurrentHashMap<Guard, Entry> entries = new ConcurrentHashMap<>();
    private final Ticker ticker;

    GuardProofs(Ticker ticker) {
        this.ticker = ticker;
    }

    long now() {
        return ticker.nanoTime();
    }

    /** The newest version at which the guard held, if it is at most so old; 0 if there is none. */
    long versionFor(Guard guard, long agedNanosMax) {
        Entry entry = entries.get(guard);
        return entry == null || now() - entry.proof.takenNanos() > agedNanosMax ? 0 : entry.proof.version();
    }

    /** As {@link #versionFor}, but only if the cluster was asked for a version at most so long ago. */
    long versionFor(Guard guard, long agedNanosMax, long askedNanosMax) {
        Entry entry = entries.get(guard);
        return entry == null || now() - entry.proof.askedNanos() > askedNanosMax ? 0 : versionFor(guard, agedNanosMax);
    }

    /** Notes that the guard held at a version that the cluster was asked for at {@code askedNanos}. */
    void asked(Guard guard, long version, long askedNanos) {
        put(guard, new Proof(version, askedNanos, askedNanos));
    }

    /** Notes that a batch under the guard committed at a version. */
    void committed(Guard guard, long version, long sentNanos) {
        put(guard, new Proof(version, sentNanos, sentNanos - Long.MAX_VALUE / 4));
    }

    private void put(Guard guard, Proof proof) {
        entries.compute(guard, (key, entry) -> {
            if (entry == null) {
                return new Entry(proof);
            }
            Proof known = entry.proof;
            boolean newer = proof.version() > known.version();
            entry.proof = new Proof(
                    Math.max(proof.version(), known.version()),
                    newer ? proof.takenNanos() : known.takenNanos(),
                    later(proof.askedNanos(), known.askedNanos()));
            return entry;
        });
    }

    private static long later(long a, long b) {
        return a - b > 0 ? a : b;
    }

    /** Forgets a guard: it is in doubt, or its version is of no use any more. */
    void drop(Guard guard) {
        entries.remove(guard);
    }

    /**
     * Whether the caller should bring the guard's proof up to date now, because it is older than {@code agedNanos} and
     * nobody else does; {@link #refreshed} has to follow.
     */
    boolean beginRefresh(Guard guard, long agedNanos) {
        Entry entry = entries.get(guard);
        return entry != null
                && now() - entry.proof.askedNanos() > agedNanos
                && entry.refreshing.compareAndSet(false, true);
    }

    void refreshed(Guard guard) {
        Entry entry = entries.get(guard);
        if (entry != null) {
            entry.refreshing.set(false);
        }
    }
}
