package io.fdbnbd.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class BatchTest {
    private static final byte[] KEY = Bytes.ofLength(20);

    // The numbers are those of FoundationDB 7.3.68, found by lowering its transaction size limit until a commit failed.

    @Test
    void countsWhatFoundationDbCounts() {
        assertEquals(0, new Batch().countedBytes());
        assertEquals(4225, new Batch().set(KEY, new byte[4096]).countedBytes());
        assertEquals(150, new Batch().clear(KEY).countedBytes());
        assertEquals(148, new Batch().clearRange(KEY, KEY).countedBytes());
        assertEquals(65, new Batch().require(new Guard(KEY, null)).countedBytes());
    }

    @Test
    void countsAFullBatchOfBlocksAsFoundationDbDoes() {
        Batch batch = new Batch();
        for (int i = 0; i < 256; i++) {
            batch.set(Bytes.ofLength(12), new byte[4096]);
        }
        assertEquals(1_075_456, batch.countedBytes());
    }

    @Test
    void theFormulasSayWhatTheOperationsAdd() {
        assertEquals(4225, Batch.countedSet(20, 4096));
        assertEquals(150, Batch.countedClear(20));
        assertEquals(148, Batch.countedClearRange(20, 20));
    }

    @Test
    void countsMoreThanAnIntHolds() {
        assertEquals(
                69 + 3L * Integer.MAX_VALUE + Integer.MAX_VALUE,
                Batch.countedSet(Integer.MAX_VALUE, Integer.MAX_VALUE));
        assertEquals(70 + 4L * Integer.MAX_VALUE, Batch.countedClear(Integer.MAX_VALUE));
        assertEquals(68 + 4L * Integer.MAX_VALUE, Batch.countedClearRange(Integer.MAX_VALUE, Integer.MAX_VALUE));
    }

    @Test
    void showsItsOperationsInOrder() throws StoreException {
        Batch batch = new Batch()
                .set(Bytes.of("a"), Bytes.of(""))
                .clear(Bytes.of("b"))
                .clearRange(Bytes.of("c"), Bytes.of("d"))
                .set(Bytes.of("a"), Bytes.of("1"));
        List<String> seen = new ArrayList<>();
        batch.forEach(new Batch.Operations() {
            @Override
            public void set(byte[] key, byte[] value) {
                seen.add(Bytes.text(key) + "=" + Bytes.text(value));
            }

            @Override
            public void clear(byte[] key) {
                seen.add("-" + Bytes.text(key));
            }

            @Override
            public void clearRange(byte[] begin, byte[] end) {
                seen.add("-" + Bytes.text(begin) + ".." + Bytes.text(end));
            }
        });
        assertEquals(List.of("a=", "-b", "-c..d", "a=1"), seen);
        assertEquals(4, batch.operationCount());
    }

    @Test
    void isEmptyUntilItHasAnOperation() {
        Batch batch = new Batch().require(new Guard(KEY, null));
        assertTrue(batch.isEmpty());
        assertEquals(List.of(new Guard(Bytes.ofLength(20), null)), batch.guards());
        assertFalse(batch.clear(KEY).isEmpty());
    }

    @Test
    void refusesARangeThatEndsBeforeItBegins() {
        assertThrows(
                IllegalArgumentException.class, () -> new Batch().clearRange(Bytes.of("\u0080"), Bytes.of("\u007f")));
    }
}
