package io.fdbnbd.store.fdb;

import io.fdbnbd.store.Guard;
import io.fdbnbd.util.Ticker;
import java.time.Duration;
import java.util.OptionalLong;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;

/**
 * At which versions guards were last seen to hold. A read at such a version needs no version of its own from the
 * cluster, and a commit that declares a conflict on the guard's key since then needs no read of it.
 *
 * <p>A commit under a guard proves it only for the version before its own: FoundationDB commits many transactions at one
 * version, and a takeover may be among them, ordered after this one. Every version in here came from this cluster: one
 * from anywhere else that is ahead of it would be accepted at commit and hide a takeover. Any thread.
 */
final class GuardProofs {

    /**
     * What is known of a guard.
     *
     * @param readVersion shows everything that was committed under the guard here
     * @param heldVersion the guard held at this one, not later than {@code readVersion}
     * @param takenNanos not later than {@code readVersion} came to be
     */
    private record Proof(long readVersion, long heldVersion, long takenNanos) {

        Proof newest(Proof other) {
            Proof newer = readVersion >= other.readVersion ? this : other;
            return new Proof(newer.readVersion, Math.max(heldVersion, other.heldVersion), newer.takenNanos);
        }
    }

    private static final class Entry {
        volatile Proof proof;
        final AtomicBoolean refreshing = new AtomicBoolean();

        Entry(Proof proof) {
            this.proof = proof;
        }
    }

    /**
     * The newest version that a commit of this process had. Kept apart from the guards, which may be forgotten and then
     * learned again at a version that was asked for before the commit.
     */
    private final AtomicLong newestCommit = new AtomicLong();

    private final ConcurrentHashMap<Guard, Entry> entries = new ConcurrentHashMap<>();
    private final Ticker ticker;

    GuardProofs(Ticker ticker) {
        this.ticker = ticker;
    }

    long now() {
        return ticker.nanoTime();
    }

    /** A version to read at that shows all commits of this process so far, if one is known that is at most so old. */
    OptionalLong readVersion(Guard guard, Duration agedMax) {
        Entry entry = entries.get(guard);
        return entry == null || isOlder(entry.proof.takenNanos(), agedMax)
                ? OptionalLong.empty()
                : OptionalLong.of(Math.max(entry.proof.readVersion(), newestCommit.get()));
    }

    /** A version to commit from, with a conflict on the guard's key, if one is known that is about at most so old. */
    OptionalLong heldVersion(Guard guard, Duration agedMax) {
        Entry entry = entries.get(guard);
        return entry == null || isOlder(entry.proof.takenNanos(), agedMax)
                ? OptionalLong.empty()
                : OptionalLong.of(entry.proof.heldVersion());
    }

    /** Notes that the guard was read, and held, at a version that the cluster was asked for at {@code askedNanos}. */
    void asked(Guard guard, long version, long askedNanos) {
        Proof proof = new Proof(version, version, askedNanos);
        entries.compute(guard, (key, entry) -> {
            if (entry == null) {
                return new Entry(proof);
            }
            entry.proof = entry.proof.newest(proof);
            return entry;
        });
    }

    /** Notes the version of a commit, under a guard or not. Before anybody is told of it. */
    void committed(long version) {
        newestCommit.accumulateAndGet(version, Math::max);
    }

    /** Notes that a batch under the guard, sent at {@code sentNanos}, committed at a version. */
    void committed(Guard guard, long version, long sentNanos) {
        entries.computeIfPresent(guard, (key, entry) -> {
            entry.proof = entry.proof.newest(new Proof(version, version - 1, sentNanos));
            return entry;
        });
    }

    /** Forgets a guard: it is in doubt, or its versions are of no use any more. */
    void drop(Guard guard) {
        entries.remove(guard);
    }

    /**
     * Whether the caller should ask the cluster about the guard now, because its proof is older than {@code since} and
     * nobody else does; {@link #refreshed} has to follow.
     */
    boolean beginRefresh(Guard guard, Duration since) {
        Entry entry = entries.get(guard);
        return entry != null && isOlder(entry.proof.takenNanos(), since) && entry.refreshing.compareAndSet(false, true);
    }

    void refreshed(Guard guard) {
        Entry entry = entries.get(guard);
        if (entry != null) {
            entry.refreshing.set(false);
        }
    }

    private boolean isOlder(long nanos, Duration age) {
        return now() - nanos > age.toNanos();
    }
}
