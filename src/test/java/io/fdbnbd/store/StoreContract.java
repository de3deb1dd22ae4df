package io.fdbnbd.store;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fdbnbd.store.StoreException.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.FutureTask;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What every store must do. One subclass a store; {@link StoreContractUnderLoad} adds threads and random work. */
public abstract class StoreContract {
    /** Set before every test, closed after it. Starts empty. */
    @SuppressWarnings("NullAway.Init")
    protected Store store;

    /** Opens a store that holds nothing. */
    protected abstract Store openEmpty() throws Exception;

    @BeforeEach
    void openStore() throws Exception {
        store = openEmpty();
    }

    @AfterEach
    void closeStore() throws Exception {
        store.close();
    }

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
    void aVisitorMayCallTheStore() throws Exception {
        setAll("a", "b");
        List<@Nullable String> seen = new ArrayList<>();
        store.read(null, List.of(range("a", "z", 9)), (key, value) -> {
            try {
                seen.add(get(Bytes.text(key)));
                set(Bytes.text(key), "changed");
            } catch (StoreException e) {
                throw new AssertionError(e);
            }
        });
        assertEquals(List.of("v", "v"), seen);
        assertEquals("changed", get("b"));
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

    // Limits

    @Test
    void keysAndValuesMayBeAsLongAsFoundationDbTakesThem() throws Exception {
        byte[] key = Bytes.ofLength(10_000);
        byte[] value = Bytes.ofLength(100_000);
        store.commit(new Batch().require(new Guard(key, null)).set(key, value));
        assertArrayEquals(value, store.get(key));
        store.commit(new Batch().clearRange(key, KeyRange.ofKey(key).end()));
        assertNull(store.get(key));
        store.commit(new Batch().set(key, value));
        store.commit(new Batch().clear(key));
        assertNull(store.get(key));
    }

    @Test
    void longerKeysAndValuesAreRefusedAndNothingIsApplied() throws Exception {
        byte[] longKey = Bytes.ofLength(10_001);
        byte[] longBound = Bytes.ofLength(10_002);
        List<Batch> refused = List.of(
                new Batch().set(Bytes.of("a"), Bytes.of("1")).set(longKey, Bytes.of("1")),
                new Batch().set(Bytes.of("a"), Bytes.of("1")).set(Bytes.of("b"), Bytes.ofLength(100_001)),
                new Batch().set(Bytes.of("a"), Bytes.of("1")).clear(longKey),
                new Batch().set(Bytes.of("a"), Bytes.of("1")).clearRange(Bytes.of("b"), longBound),
                new Batch().set(Bytes.of("a"), Bytes.of("1")).require(new Guard(longKey, null)));
        for (Batch batch : refused) {
            assertFails(Kind.FATAL, () -> store.commit(batch));
        }
        assertEquals(List.of(), read(null, range("", "\u00ff", 9)));
        assertFails(Kind.FATAL, () -> read(null, new KeyRange(Bytes.of("a"), longBound, 1)));
    }

    @Test
    void keysThatFoundationDbKeepsForItselfAreRefused() throws Exception {
        byte[] system = Bytes.of("\u00ff");
        assertFails(Kind.FATAL, () -> store.commit(new Batch().set(system, Bytes.of("1"))));
        assertFails(Kind.FATAL, () -> store.commit(new Batch().clear(Bytes.of("\u00ff/a"))));
        assertFails(Kind.FATAL, () -> store.commit(new Batch().clearRange(Bytes.of("a"), Bytes.of("\u00ff/a"))));
        assertFails(Kind.FATAL, () -> read(null, new KeyRange(system, Bytes.of("\u00ff/a"), 1)));
        store.commit(new Batch().clearRange(Bytes.of("a"), system));
        assertEquals(List.of(), read(null, range("a", "\u00ff", 9)));
    }

    @Test
    void aBatchMayBeAsLargeAsFoundationDbTakesItAndNotOneByteLarger() throws Exception {
        assertEquals(10_000_000, store.limits().batchBytesMax());
        Batch largest = batchOf(10_000_000);
        assertEquals(10_000_000, largest.countedBytes());
        Batch tooLarge = batchOf(10_000_001);
        assertEquals(10_000_001, tooLarge.countedBytes());
        StoreException refusal = assertFails(Kind.FATAL, () -> store.commit(tooLarge));
        assertTrue(String.valueOf(refusal.getMessage()).contains("transaction too large"), refusal.getMessage());
        assertEquals(List.of(), read(null, range("", "\u00ff", 9)));
        store.commit(largest);
        assertEquals(
                largest.operationCount(),
                read(null, range("", "\u00ff", Integer.MAX_VALUE)).size());
    }

    /** Sets of 8-byte keys that count to exactly this many bytes. */
    private static Batch batchOf(long countedBytes) {
        Batch batch = new Batch();
        int valueBytes = 50_000;
        long overhead = Batch.countedSet(Long.BYTES, 0);
        while (countedBytes - batch.countedBytes() > 2 * overhead + valueBytes) {
            batch.set(Bytes.ofLong(batch.operationCount()), new byte[valueBytes]);
        }
        int rest = (int) (countedBytes - batch.countedBytes() - overhead);
        return batch.set(Bytes.ofLong(batch.operationCount()), new byte[rest]);
    }

    @Test
    void theStoreNamesTheLimitsThatItKeeps() {
        StoreLimits limits = store.limits();
        assertEquals(10_000, limits.keyBytesMax());
        assertEquals(100_000, limits.valueBytesMax());
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
        FutureTask<List<String>> read = new FutureTask<>(() -> {
            List<String> rows = new ArrayList<>();
            store.read(null, List.of(range("a", "z", 9)), (key, value) -> {
                reading.countDown();
                awaitUnchecked(goOn);
                rows.add(Bytes.text(key));
            });
            return rows;
        });
        Thread reader = Thread.ofPlatform().name("reader").start(read);
        reading.await();
        FutureTask<Boolean> close = new FutureTask<>(() -> {
            store.close();
            return read.isDone();
        });
        Thread closer = Thread.ofPlatform().name("closer").start(close);
        awaitRefusal();
        goOn.countDown();
        assertEquals(List.of("a", "b"), read.get());
        assertTrue(close.get(), "the close returned before the read did");
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

    // For tests of subclasses too

    protected interface Call {
        void run() throws Exception;
    }

    protected static StoreException assertFails(Kind kind, Call call) {
        StoreException failure = assertThrows(StoreException.class, call::run);
        assertEquals(kind, failure.kind(), failure.getMessage());
        return failure;
    }

    protected @Nullable String get(String key) throws StoreException {
        byte[] value = store.get(Bytes.of(key));
        return value == null ? null : Bytes.text(value);
    }

    protected void set(String key, String value) throws StoreException {
        store.commit(new Batch().set(Bytes.of(key), Bytes.of(value)));
    }

    private void setAll(String... keys) throws StoreException {
        Batch batch = new Batch();
        for (String key : keys) {
            batch.set(Bytes.of(key), Bytes.of("v"));
        }
        store.commit(batch);
    }

    protected List<String> read(@Nullable Guard guard, KeyRange... ranges) throws StoreException {
        List<String> rows = new ArrayList<>();
        store.read(guard, List.of(ranges), collectInto(rows));
        return rows;
    }

    private static RowVisitor collectInto(List<String> rows) {
        return (key, value) -> rows.add(Bytes.text(key) + "=" + Bytes.text(value));
    }

    protected static KeyRange range(String begin, String end, int rowsMax) {
        return new KeyRange(Bytes.of(begin), Bytes.of(end), rowsMax);
    }

    private static byte[] value(int seed) {
        byte[] value = new byte[4096];
        for (int i = 0; i < value.length; i++) {
            value[i] = (byte) (seed * 31 + i);
        }
        return value;
    }

    private static <T> T onAnotherThread(java.util.concurrent.Callable<T> call) throws Exception {
        FutureTask<T> task = new FutureTask<>(call);
        Thread thread = Thread.ofPlatform().name("another").start(task);
        thread.join();
        return task.get();
    }

    protected static void awaitUnchecked(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
