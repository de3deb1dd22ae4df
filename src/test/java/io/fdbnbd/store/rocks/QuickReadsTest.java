package io.fdbnbd.store.rocks;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fdbnbd.store.Bytes;
import io.fdbnbd.store.KeyRange;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class QuickReadsTest {
    private static final long QUICK_NANOS = QuickReads.ROW_NANOS_MAX;
    private static final long SLOW_NANOS = QUICK_NANOS + 1;

    private final AtomicLong clock = new AtomicLong(Long.MAX_VALUE - 5);
    private final QuickReads reads = new QuickReads(clock::get, 3);

    @Test
    void shortReadsMayBeMadeHere() {
        assertMayRead(rows(1));
        assertMayRead(rows(QuickReads.ROWS_MAX));
        assertFalse(reads.tryEnter(rows(QuickReads.ROWS_MAX + 1)));
        assertFalse(reads.tryEnter(List.of(range(QuickReads.ROWS_MAX), range(1))));
        assertFalse(reads.tryEnter(List.of(range(Integer.MAX_VALUE), range(Integer.MAX_VALUE))));
    }

    @Test
    void oneCarrierIsAlwaysLeft() {
        assertTrue(reads.tryEnter(rows(1)));
        assertTrue(reads.tryEnter(rows(1)));
        assertFalse(reads.tryEnter(rows(1)), "all three carriers could be held");
        reads.leave();
        assertTrue(reads.tryEnter(rows(1)));
        assertFalse(new QuickReads(clock::get, 1).tryEnter(rows(1)), "the only carrier could be held");
    }

    @Test
    void aSlowReadNowAndThenChangesNothing() {
        for (int i = 0; i < 1000; i++) {
            read(rows(1), i % (2 * QuickReads.SLOW_WEIGHT) == 0 ? 100 * SLOW_NANOS : QUICK_NANOS);
            assertMayRead(rows(1));
        }
    }

    @Test
    void aSlowDiskIsLeftToOthersUntilItIsQuickAgain() {
        int untilSlow = 0;
        while (mayRead()) {
            read(rows(1), SLOW_NANOS);
            untilSlow++;
        }
        assertEquals(QuickReads.SCORE_MAX / 2 / QuickReads.SLOW_WEIGHT + 1, untilSlow);
        for (int i = 0; i < 1000; i++) {
            read(rows(1), SLOW_NANOS);
        }
        // Those of others are what tells.
        for (int i = 0; i < QuickReads.SCORE_MAX / 2; i++) {
            assertFalse(mayRead());
            read(rows(1), QUICK_NANOS);
        }
        assertTrue(mayRead());
    }

    @Test
    void aReadIsMeasuredByItsRows() {
        for (int i = 0; i < 100; i++) {
            read(rows(4), 4 * QUICK_NANOS);
        }
        assertTrue(mayRead());
        for (int i = 0; i < 100; i++) {
            read(rows(4), 4 * QUICK_NANOS + 1);
        }
        assertFalse(mayRead());
    }

    @Test
    void longReadsAndThoseOfNothingTellNothing() {
        for (int i = 0; i < 100; i++) {
            read(rows(QuickReads.ROWS_MAX + 1), 1_000 * SLOW_NANOS);
            read(List.of(), SLOW_NANOS);
        }
        assertTrue(mayRead());
    }

    private void read(List<KeyRange> ranges, long nanos) {
        long began = reads.begin();
        clock.addAndGet(nanos);
        reads.end(ranges, began);
    }

    private boolean mayRead() {
        boolean may = reads.tryEnter(rows(1));
        if (may) {
            reads.leave();
        }
        return may;
    }

    private void assertMayRead(List<KeyRange> ranges) {
        assertTrue(reads.tryEnter(ranges));
        reads.leave();
    }

    private static List<KeyRange> rows(int rows) {
        return List.of(range(rows));
    }

    private static KeyRange range(int rows) {
        return new KeyRange(Bytes.of("a"), Bytes.of("b"), rows);
    }
}
