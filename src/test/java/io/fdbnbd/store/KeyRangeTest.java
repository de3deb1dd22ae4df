package io.fdbnbd.store;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class KeyRangeTest {
    @Test
    void theRangeOfAKeyEndsRightAfterIt() {
        KeyRange range = KeyRange.ofKey(Bytes.of("key"));
        assertArrayEquals(Bytes.of("key"), range.begin());
        assertArrayEquals(Bytes.of("key\0"), range.end());
        assertEquals(1, range.rowsMax());
        assertTrue(range.isSingleKey());
        assertTrue(KeyRange.ofKey(new byte[0]).isSingleKey());
    }

    @Test
    void onlyARangeThatCanHoldOneKeyIsASingleKey() {
        assertFalse(range("a", "b").isSingleKey());
        assertFalse(range("a", "a").isSingleKey());
        assertFalse(range("a", "a\1").isSingleKey());
        assertFalse(range("a", "a\0\0").isSingleKey());
        assertFalse(range("a", "b\0").isSingleKey());
        assertTrue(range("a\0", "a\0\0").isSingleKey());
    }

    @Test
    void refusesWhatIsNoRange() {
        assertThrows(IllegalArgumentException.class, () -> range("b", "a"));
        assertThrows(IllegalArgumentException.class, () -> range("\u0080", "\u007f"));
        assertThrows(IllegalArgumentException.class, () -> range("aa", "a"));
        assertThrows(IllegalArgumentException.class, () -> new KeyRange(Bytes.of("a"), Bytes.of("b"), 0));
    }

    private static KeyRange range(String begin, String end) {
        return new KeyRange(Bytes.of(begin), Bytes.of(end), 1);
    }
}
