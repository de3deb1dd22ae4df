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
                .set(Bytes.of("a"), Bytes.of("1"))
                .setBits(Bytes.of("e"), Bytes.of("2"))
                .clearBits(Bytes.of("e"), Bytes.of("3"));
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

            @Override
            public void setBits(byte[] key, byte[] bits) {
                seen.add(Bytes.text(key) + "|" + Bytes.text(bits));
            }

            @Override
            public void clearBits(byte[] key, byte[] bits) {
                seen.add(Bytes.text(key) + "&~" + Bytes.text(bits));
            }
        });
        assertEquals(List.of("a=", "-b", "-c..d", "a=1", "e|2", "e&~3"), seen);
        assertEquals(6, batch.operationCount());
    }

    @Test
    void changesOfBitsComeLast() {
        Batch batch = new Batch().setBits(KEY, new byte[1]);
        assertThrows(IllegalArgumentException.class, () -> batch.set(KEY, new byte[1]));
        assertThrows(IllegalArgumentException.class, () -> batch.clear(KEY));
        assertThrows(IllegalArgumentException.class, () -> batch.clearRange(KEY, KEY));
        assertEquals(Batch.countedSet(20, 1), batch.countedBytes());
        assertEquals(
                4 * Batch.countedSet(20, 1), batch.clearBits(KEY, new byte[1]).countedBytes());
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
