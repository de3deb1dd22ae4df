package io.fdbnbd.util;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class ChecksTest {
    @Test
    void aBrokenAssumptionIsNotTheCallersFault() {
        Checks.check(true, "unused");
        Checks.checkArgument(true, "unused");
        assertThrows(IllegalStateException.class, () -> Checks.check(false, "queue is empty"));
        assertThrows(IllegalArgumentException.class, () -> Checks.checkArgument(false, "queue is empty"));
    }

    @Test
    void aRangeIncludesItsEnds() {
        assertEquals(1, Checks.checkRange(1, 1, 3, "depth"));
        assertEquals(3L, Checks.checkRange(3L, 1L, 3L, "depth"));
        IllegalArgumentException thrown =
                assertThrows(IllegalArgumentException.class, () -> Checks.checkRange(4, 1, 3, "depth"));
        assertEquals("depth is 4, not between 1 and 3", thrown.getMessage());
    }

    @Test
    void aSpanNeverOverflows() {
        assertTrue(Checks.isInside(0, 0, 0));
        assertTrue(Checks.isInside(512, 512, 1024));
        assertTrue(Checks.isInside(1024, 0, 1024));
        assertFalse(Checks.isInside(513, 512, 1024));
        assertFalse(Checks.isInside(Long.MAX_VALUE, Long.MAX_VALUE, Long.MAX_VALUE));
        assertFalse(Checks.isInside(Long.MAX_VALUE, 1, Long.MAX_VALUE));
        assertFalse(Checks.isInside(-1, 1, 1024));
        assertFalse(Checks.isInside(1, -1, 1024));
    }
}
