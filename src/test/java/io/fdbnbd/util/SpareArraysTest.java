package io.fdbnbd.util;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;

import java.util.IdentityHashMap;
import org.junit.jupiter.api.Test;

class SpareArraysTest {
    private static final int MAX = 100;

    private final SpareArrays spare = new SpareArrays(MAX);

    @Test
    void theLastOfALengthIsTakenFirst() {
        byte[] first = new byte[10];
        byte[] last = new byte[10];
        spare.give(first);
        spare.give(new byte[11]);
        spare.give(last);
        assertSame(last, spare.take(10));
        assertSame(first, spare.take(10));
        assertNull(spare.take(10));
    }

    @Test
    void onlySoManyBytesAreKept() {
        for (int i = 0; i < 20; i++) {
            spare.give(new byte[9]);
        }
        IdentityHashMap<byte[], Boolean> taken = new IdentityHashMap<>();
        for (byte[] array = spare.take(9); array != null; array = spare.take(9)) {
            taken.put(array, true);
        }
        assertEquals(MAX / 9, taken.size());
    }

    @Test
    void thoseOfOtherLengthsMakeRoom() {
        spare.give(new byte[60]);
        spare.give(new byte[30]);
        byte[] last = new byte[MAX];
        spare.give(last);
        assertSame(last, spare.take(MAX));
        assertNull(spare.take(60));
        assertNull(spare.take(30));
    }

    @Test
    void whatNeverFitsIsLeft() {
        spare.give(new byte[MAX + 1]);
        assertNull(spare.take(MAX + 1));
    }
}
