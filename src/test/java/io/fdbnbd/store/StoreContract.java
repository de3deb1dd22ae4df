package io.fdbnbd.store;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fdbnbd.store.StoreException.Kind;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What every store must do, with the parts that it inherits: one subclass a store. */
public abstract class StoreContract extends LoadContract {
    // Reading

    @Test
    void anAbsentKeyHasNoValue() throws Exception {
        assertNull(get("a"));
    }

    @Test
    void aCommittedValueIsRead() throws Exception {
        set("a", "1");
        assertEquals("1", get("a"));
        assertEquals(List.of("a=1"), read(null, KeyRange.ofKey(Bytes.of("a"))));
    }

    @Test
    void anEmptyKeyAndAnEmptyValueAreAsGoodAsOthers() throws Exception {
        set("", "v");
        set("k", "");
        assertEquals("v", get(""));
        assertEquals("", get("k"));
        assertEquals(List.of("=v", "k="), read(null, range("", "z", 9)));
    }

    @Test
    void aSingleKeyIsNotTakenForItsExtensions() throws Exception {
        set("a", "1");
        set("a\0", "2");
        set("aa", "3");
        assertEquals("1", get("a"));
        assertEquals(List.of("a=1"), read(null, KeyRange.ofKey(Bytes.of("a"))));
        assertEquals(List.of("a\0=2"), read(null, KeyRange.ofKey(Bytes.of("a\0"))));
    }

    @Test
    void keysOrderAsUnsignedBytesAndPrefixesComeFirst() throws Exception {
        for (String key : List.of("\u00fe", "\u0080", "\u007f", "a", "", "a\0", "\0", "aa", "a\u00ff")) {
            set(key, "v");
        }
        assertEquals(
                List.of("=v", "\0=v", "a=v", "a\0=v", "aa=v", "a\u00ff=v", "\u007f=v", "\u0080=v", "\u00fe=v"),
                read(null, range("", "\u00ff", 100)));
    }

    @Test
    void aRangeHoldsItsBeginAndNotItsEnd() throws Exception {
        setAll("a", "b", "c", "d");
        assertEquals(List.of("b=v", "c=v"), read(null, range("b", "d", 9)));
    }

    @Test
    void aRangeEndsAfterItsRows() throws Exception {
        setAll("a", "b", "c", "d");
        assertEquals(List.of("a=v"), read(null, range("a", "z", 1)));
        assertEquals(List.of("a=v", "b=v", "c=v"), read(null, range("a", "z", 3)));
        assertEquals(List.of("a=v", "b=v", "c=v", "d=v"), read(null, range("a", "z", 4)));
        assertEquals(List.of("a=v", "b=v", "c=v", "d=v"), read(null, range("a", "z", Integer.MAX_VALUE)));
    }

    @Test
    void emptyRangesAndNoRangesHoldNothing() throws Exception {
        setAll("a", "b");
        assertEquals(List.of(), read(null, range("a", "a", 9)));
        assertEquals(List.of(), read(null, range("aa", "b", 9)));
        assertEquals(List.of(), read(null));
        assertEquals(List.of("b=v"), read(null, range("b", "b", 9), range("b", "c", 9), range("x", "z", 9)));
    }

    @Test
    void rangesAreVisitedInTheOrderOfTheList() throws Exception {
        setAll("a", "b", "c", "d");
        assertEquals(
                List.of("c=v", "d=v", "a=v", "b=v", "b=v"),
                read(null, range("c", "z", 9), KeyRange.ofKey(Bytes.of("a")), range("b", "c", 9), range("b", "z", 1)));
    }

    @Test
    void manyRowsOfFullSizeComeWholeAndInOrder() throws Exception {
        int rows = 300;
        Batch batch = new Batch();
        for (int i = 0; i < rows; i++) {
            batch.set(Bytes.ofLong(i), value(i));
        }
        store.commit(batch);
        List<byte[]> values = new ArrayList<>();
        store.read(null, List.of(new KeyRange(Bytes.ofLong(0), Bytes.ofLong(rows), rows)), (key, value) -> {
            assertEquals(values.size(), Bytes.toLong(key));
            values.add(value);
        });
        assertEquals(rows, values.size());
        for (int i = 0; i < rows; i++) {
            assertArrayEquals(value(i), values.get(i));
        }
    }

    @Test
    void tryReadThatAnswersAnswersAsRead() throws Exception {
        setAll("a", "b", "c");
        List<KeyRange> ranges = List.of(range("b", "z", 9), KeyRange.ofKey(Bytes.of("a")));
        List<String> rows = new ArrayList<>();
        if (store.tryRead(null, ranges, collectInto(rows))) {
            assertEquals(List.of("b=v", "c=v", "a=v"), rows);
        }
        Guard lost = new Guard(Bytes.of("a"), Bytes.of("other"));
        try {
            assertEquals(false, store.tryRead(lost, ranges, (key, value) -> {}), "it answered under a lost guard");
        } catch (StoreException e) {
            assertEquals(Kind.GUARD_LOST, e.kind());
        }
    }

    @Test
    void aValueIsItsCallersAgainAfterTheCommit() throws Exception {
        for (String content : List.of("first", "other", "a longer one", "short")) {
            byte[] value = Bytes.of(content);
            store.commit(new Batch().set(Bytes.of("a"), value));
            Arrays.fill(value, (byte) '-');
            assertEquals(content, get("a"));
        }
    }

    @Test
    void aValueThatWasGotStaysAsItWas() throws Exception {
        set("a", "first");
        byte[] got = store.get(Bytes.of("a"));
        set("a", "other");
        assertArrayEquals(Bytes.of("first"), got);
    }

    // Batches

    @Test
    void laterOperationsOfABatchWin() throws Exception {
        setAll("a", "b", "c");
        store.commit(new Batch()
                .set(Bytes.of("a"), Bytes.of("gone"))
                .clear(Bytes.of("a"))
                .clearRange(Bytes.of("b"), Bytes.of("d"))
                .set(Bytes.of("c"), Bytes.of("new"))
                .set(Bytes.of("e"), Bytes.of("1"))
                .set(Bytes.of("e"), Bytes.of("2"))
                .set(Bytes.of("f"), Bytes.of("gone"))
                .clearRange(Bytes.of("f"), Bytes.of("g")));
        assertEquals(List.of("c=new", "e=2"), read(null, range("", "z", 9)));
    }

    @Test
    void clearingARangeTakesItsBeginAndLeavesItsEnd() throws Exception {
        setAll("a", "b", "bb", "c", "d");
        store.commit(new Batch().clearRange(Bytes.of("b"), Bytes.of("c")));
        assertEquals(List.of("a=v", "c=v", "d=v"), read(null, range("", "z", 9)));
        store.commit(new Batch().clearRange(Bytes.of("c"), Bytes.of("c")));
        store.commit(new Batch().clear(Bytes.of("absent")));
        assertEquals(List.of("a=v", "c=v", "d=v"), read(null, range("", "z", 9)));
        store.commit(new Batch().clearRange(Bytes.of(""), Bytes.of("\u00ff")));
        assertEquals(List.of(), read(null, range("", "\u00ff", 9)));
    }

    @Test
    void anEmptyBatchCommits() throws Exception {
        store.commit(new Batch());
        assertEquals(List.of(), read(null, range("", "z", 9)));
    }

    @Test
    void aCommitIsSeenByEveryThreadOnReturn() throws Exception {
        for (int i = 0; i < 100; i++) {
            String value = "v" + i;
            set("a", value);
            assertEquals(value, onAnotherThread(() -> get("a")));
        }
    }

    @Test
    void syncCanBeCalledAnyTime() throws Exception {
        store.sync();
        set("a", "1");
        store.sync();
        store.sync();
        assertEquals("1", get("a"));
    }

    // Guards

    @Test
    void aBatchCommitsWhileItsGuardsHold() throws Exception {
        set("owner", "me");
        store.commit(new Batch()
                .require(new Guard(Bytes.of("owner"), Bytes.of("me")))
                .require(new Guard(Bytes.of("absent"), null))
                .set(Bytes.of("a"), Bytes.of("1")));
        assertEquals("1", get("a"));
    }

    @Test
    void aBatchUnderALostGuardLeavesNothingBehind() throws Exception {
        set("owner", "other");
        List<Guard> lost = List.of(
                new Guard(Bytes.of("owner"), Bytes.of("me")),
                new Guard(Bytes.of("owner"), null),
                new Guard(Bytes.of("owner"), Bytes.of("")),
                new Guard(Bytes.of("absent"), Bytes.of("me")),
                new Guard(Bytes.of("absent"), Bytes.of("")));
        for (Guard guard : lost) {
            Batch batch = new Batch()
                    .require(new Guard(Bytes.of("owner"), Bytes.of("other")))
                    .require(guard)
                    .set(Bytes.of("a"), Bytes.of("1"))
                    .clear(Bytes.of("owner"));
            assertFails(Kind.GUARD_LOST, () -> store.commit(batch));
            assertFails(Kind.GUARD_LOST, () -> store.commit(new Batch().require(guard)));
        }
        assertEquals(List.of("owner=other"), read(null, range("", "z", 9)));
    }

    @Test
    void aBatchMayRewriteTheKeyOfItsOwnGuard() throws Exception {
        Batch first = new Batch().require(new Guard(Bytes.of("owner"), null)).set(Bytes.of("owner"), Bytes.of("me"));
        store.commit(first);
        assertFails(Kind.GUARD_LOST, () -> store.commit(first));
        store.commit(new Batch()
                .require(new Guard(Bytes.of("owner"), Bytes.of("me")))
                .clear(Bytes.of("owner")));
        assertNull(get("owner"));
    }

    @Test
    void aReadUnderAGuardFailsOnceItIsLost() throws Exception {
        Guard guard = new Guard(Bytes.of("owner"), Bytes.of("me"));
        store.commit(new Batch().set(guard.key(), Bytes.of("me")).set(Bytes.of("a"), Bytes.of("1")));
        assertEquals(List.of("a=1"), read(guard, range("a", "b", 9)));
        assertEquals(List.of("a=1"), read(guard, KeyRange.ofKey(Bytes.of("a"))));
        set("owner", "other");
        awaitGuardAge();
        assertFails(Kind.GUARD_LOST, () -> read(guard, range("a", "b", 9)));
        assertFails(Kind.GUARD_LOST, () -> read(guard, KeyRange.ofKey(Bytes.of("a"))));
        assertFails(Kind.GUARD_LOST, () -> read(guard, range("a", "b", 9), range("c", "d", 9)));
        assertFails(Kind.GUARD_LOST, () -> read(guard));
        store.commit(new Batch().clear(guard.key()));
        awaitGuardAge();
        assertFails(Kind.GUARD_LOST, () -> read(guard, range("a", "b", 9)));
        assertEquals(List.of("a=1"), read(new Guard(guard.key(), null), range("a", "b", 9)));
    }

    /** Returns when no proof that a guard holds, taken before this call, may serve a read any more. */
    protected void awaitGuardAge() throws Exception {
        assertTrue(store.limits().guardAgeMax().isZero(), "a store that remembers guards overrides this");
    }

    // Life

    @Test
    void theExecutorRunsWhatReadsAndWrites() throws Exception {
        CountDownLatch done = new CountDownLatch(2);
        Executor executor = store.executor();
        for (String key : List.of("a", "b")) {
            executor.execute(() -> {
                try {
                    set(key, "1");
                    done.countDown();
                } catch (StoreException e) {
                    throw new AssertionError(e);
                }
            });
        }
        done.await();
        assertEquals(List.of("a=1", "b=1"), read(null, range("a", "z", 9)));
    }

    @Test
    void everyCallAfterTheCloseIsRefused() throws Exception {
        set("a", "1");
        store.close();
        assertThrows(IllegalStateException.class, () -> get("a"));
        assertThrows(IllegalStateException.class, () -> read(null, range("a", "z", 9)));
        assertThrows(
                IllegalStateException.class,
                () -> store.tryRead(null, List.of(KeyRange.ofKey(Bytes.of("a"))), (key, value) -> {}));
        assertThrows(IllegalStateException.class, () -> set("a", "2"));
        assertThrows(IllegalStateException.class, () -> store.sync());
        store.close();
    }

    @Test
    void theCloseWaitsForTheCallsUnderWay() throws Exception {
        setAll("a", "b");
        CountDownLatch reading = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        AtomicInteger rows = new AtomicInteger();
        FutureTask<?> read = new FutureTask<@Nullable Void>(() -> {
            store.read(null, List.of(range("a", "z", 9)), (key, value) -> {
                reading.countDown();
                awaitUnchecked(goOn);
                rows.incrementAndGet();
            });
            return null;
        });
        Thread reader = Thread.ofPlatform().name("reader").start(read);
        reading.await();
        FutureTask<Integer> close = new FutureTask<>(() -> {
            store.close();
            return rows.get();
        });
        Thread closer = Thread.ofPlatform().name("closer").start(close);
        awaitRefusal();
        goOn.countDown();
        read.get();
        assertEquals(2, close.get(), "the close returned before the read had seen its rows");
        reader.join();
        closer.join();
    }

    /** Returns once the close, which another thread has begun, refuses calls. */
    private void awaitRefusal() throws StoreException {
        while (true) {
            try {
                store.sync();
            } catch (IllegalStateException e) {
                return;
            }
            Thread.onSpinWait();
        }
    }

    private static byte[] value(int seed) {
        byte[] value = new byte[4096];
        for (int i = 0; i < value.length; i++) {
            value[i] = (byte) (seed * 31 + i);
        }
        return value;
    }

    private static <T> T onAnotherThread(Callable<T> call) throws Exception {
        FutureTask<T> task = new FutureTask<>(call);
        Thread thread = Thread.ofPlatform().name("another").start(task);
        thread.join();
        return task.get();
    }
}
