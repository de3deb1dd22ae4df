package io.fdbnbd.store.fdb;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fdbnbd.store.Guard;
import java.time.Duration;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class GuardProofsTest {

    private static final Duration SECOND = Duration.ofSeconds(1);
    private static final Guard GUARD = new Guard(new byte[] {1}, new byte[] {2});

    private final AtomicLong nanos = new AtomicLong();
    private final GuardProofs proofs = new GuardProofs(nanos::get);

    @Test
    void aReadShowsOwnCommitsAlthoughItsVersionWasAskedForBeforeThem() {
        proofs.asked(GUARD, 10, 0);
        proofs.committed(20);
        proofs.committed(GUARD, 20, 0);
        // A failed commit puts the guard in doubt, and a refresh that began long ago ends.
        proofs.drop(GUARD);
        proofs.asked(GUARD, 15, 0);
        assertEquals(OptionalLong.of(20), proofs.readVersion(GUARD, SECOND));
        assertEquals(OptionalLong.of(15), proofs.heldVersion(GUARD, SECOND), "what was seen then, and no more");
    }

    @Test
    void aCommitProvesItsGuardForTheVersionBefore() {
        proofs.asked(GUARD, 10, 0);
        proofs.committed(20);
        proofs.committed(GUARD, 20, 0);
        assertEquals(OptionalLong.of(20), proofs.readVersion(GUARD, SECOND));
        assertEquals(OptionalLong.of(19), proofs.heldVersion(GUARD, SECOND));
    }

    @Test
    void proofsGrowOldAndCommitsKeepThemYoung() {
        proofs.asked(GUARD, 10, nanos.get());
        nanos.addAndGet(SECOND.toNanos());
        assertTrue(proofs.readVersion(GUARD, SECOND).isPresent());
        proofs.committed(GUARD, 20, nanos.get());
        nanos.incrementAndGet();
        assertTrue(proofs.readVersion(GUARD, SECOND).isPresent(), "a commit's version is as good as one asked for");
        assertEquals(OptionalLong.of(19), proofs.heldVersion(GUARD, SECOND));
        nanos.addAndGet(SECOND.toNanos());
        assertTrue(proofs.readVersion(GUARD, SECOND).isEmpty());
        assertTrue(proofs.heldVersion(GUARD, SECOND).isEmpty());
    }

    @Test
    void anOlderAnswerThatComesLateChangesNothing() {
        proofs.asked(GUARD, 30, 5);
        proofs.asked(GUARD, 10, 0);
        assertEquals(OptionalLong.of(30), proofs.readVersion(GUARD, SECOND));
        assertEquals(OptionalLong.of(30), proofs.heldVersion(GUARD, SECOND));
    }

    @Test
    void oneAtATimeRefreshesAndOnlyWhenDue() {
        proofs.asked(GUARD, 10, 0);
        assertFalse(proofs.beginRefresh(GUARD, SECOND));
        nanos.set(SECOND.toNanos() + 1);
        assertTrue(proofs.beginRefresh(GUARD, SECOND));
        assertFalse(proofs.beginRefresh(GUARD, SECOND));
        proofs.refreshed(GUARD);
        assertTrue(proofs.beginRefresh(GUARD, SECOND));
    }
}
