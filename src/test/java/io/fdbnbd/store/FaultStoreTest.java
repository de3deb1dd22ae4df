package io.fdbnbd.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.fdbnbd.store.FaultStore.Fault;
import io.fdbnbd.store.FaultStore.Source;
import io.fdbnbd.store.StoreException.Kind;
import io.fdbnbd.store.memory.MemoryStore;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;

class FaultStoreTest extends StoreContract {
    @Override
    protected Store openEmpty() {
        return new FaultStore(new MemoryStore());
    }

    private FaultStore faults() {
        return (FaultStore) store;
    }

    @Test
    void everyKindOfFailureCanBeHadFromACommit() throws Exception {
        for (Kind kind : Kind.values()) {
            faults().onCommit(Fault.fail(kind));
            assertFails(kind, () -> set("a", "1"));
            assertNull(get("a"));
        }
        assertEquals(Kind.values().length, faults().faultCount());
        set("a", "1");
        assertEquals("1", get("a"));
    }

    @Test
    void aCommitCanBeAppliedAndReportedAsUnknown() throws Exception {
        faults().onCommit(Fault.NONE, Fault.appliedBut(Kind.UNKNOWN_OUTCOME));
        set("a", "1");
        assertFails(Kind.UNKNOWN_OUTCOME, () -> set("a", "2"));
        assertEquals("2", get("a"));
    }

    @Test
    void readsAndSyncsFailAsTold() throws Exception {
        set("a", "1");
        faults().onRead(Fault.fail(Kind.RETRYABLE), Fault.fail(Kind.FATAL)).onSync(Fault.fail(Kind.FATAL));
        assertFails(Kind.RETRYABLE, () -> get("a"));
        assertFails(Kind.FATAL, () -> store.tryRead(null, List.of(range("a", "b", 1)), (key, value) -> {}));
        assertFails(Kind.FATAL, () -> store.sync());
        assertEquals("1", get("a"));
        store.sync();
    }

    @Test
    void aCallCanBeHeldAndThenFail() throws Exception {
        CountDownLatch hold = new CountDownLatch(1);
        CountDownLatch reached = new CountDownLatch(1);
        faults().onCommit(Fault.appliedBut(Kind.UNRESOLVED_OUTCOME).held(hold, reached));
        FutureTask<StoreException> commit =
                new FutureTask<>(() -> assertFails(Kind.UNRESOLVED_OUTCOME, () -> set("a", "1")));
        Thread thread = Thread.ofPlatform().name("committer").start(commit);
        reached.await();
        assertNull(get("a"));
        assertFalse(commit.isDone());
        hold.countDown();
        commit.get();
        assertEquals("1", get("a"));
        thread.join();
    }

    @Test
    void aSeedDecidesWhatFailsAndHealingEndsIt() throws Exception {
        String first = outcomes(7);
        assertEquals(first, outcomes(7));
        assertNotEquals(first, outcomes(8));
        int before = faults().faultCount();
        faults().heal();
        set("a", "1");
        assertEquals(before, faults().faultCount());
    }

    private String outcomes(long seed) {
        faults().always(Source.random(seed, 3));
        StringBuilder outcomes = new StringBuilder();
        for (int i = 0; i < 100; i++) {
            try {
                set("a", "1");
                outcomes.append('.');
            } catch (StoreException e) {
                outcomes.append(e.kind().name().charAt(0));
            }
        }
        return outcomes.toString();
    }
}
