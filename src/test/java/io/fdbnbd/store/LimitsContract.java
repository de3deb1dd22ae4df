package io.fdbnbd.store;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fdbnbd.store.StoreException.Kind;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The part of the contract on what is too much for a store. */
public abstract class LimitsContract extends StoreFixture {
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
}
