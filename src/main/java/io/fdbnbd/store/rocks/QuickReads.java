package io.fdbnbd.store.rocks;

import io.fdbnbd.store.KeyRange;
import io.fdbnbd.util.Ticker;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Decides which reads may be made on the thread that asks, a virtual one perhaps, whose carrier they hold meanwhile.
 * Waking another thread takes longer than most reads do, for what was written or read lately is in the system's page
 * cache. So short ones may, while most reads of late were as quick as that; and never on all carriers at once, so that
 * a disk that hangs leaves one for what needs no disk. Any thread.
 */
final class QuickReads {
    static final int ROWS_MAX = 16;

    /** Several times what a row takes from the page cache, and less than from the quickest of disks. */
    static final long ROW_NANOS_MAX = 40_000;

    /** Reads remembered, more or less: so many quick ones outweigh whatever was before. */
    static final int SCORE_MAX = 64;

    /** How many quick reads weigh as much as one that was not: a thread is held up now and then for other reasons. */
    static final int SLOW_WEIGHT = 4;

    private final Ticker ticker;
    private final Semaphore places;

    /** Up with each quick read and down with each slow one, from 0 to {@link #SCORE_MAX}; the upper half is quick. */
    private final AtomicInteger score = new AtomicInteger(SCORE_MAX);

    /** @param carriers how many virtual threads run at once */
    QuickReads(Ticker ticker, int carriers) {
        this.ticker = ticker;
        this.places = new Semaphore(carriers - 1);
    }

    /** Whether this thread may read these now; if so, {@link #leave} has to follow. */
    boolean tryEnter(List<KeyRange> ranges) {
        return score.get() >= SCORE_MAX / 2 && rows(ranges) <= ROWS_MAX && places.tryAcquire();
    }

    void leave() {
        places.release();
    }

    /** When a read begins, for {@link #end}. */
    long begin() {
        return ticker.nanoTime();
    }

    /** Takes note of how long a read took, on whatever thread. Long ones tell nothing. */
    void end(List<KeyRange> ranges, long beganNanos) {
        int rows = rows(ranges);
        if (rows == 0 || rows > ROWS_MAX) {
            return;
        }
        boolean quick = ticker.nanoTime() - beganNanos <= rows * ROW_NANOS_MAX;
        int now = score.get();
        int next = quick ? Math.min(now + 1, SCORE_MAX) : Math.max(now - SLOW_WEIGHT, 0);
        if (next != now) {
            score.set(next); // of two at once one may be forgotten
        }
    }

    private static int rows(List<KeyRange> ranges) {
        int rows = 0;
        for (KeyRange range : ranges) {
            rows = Math.min(rows + Math.min(range.rowsMax(), ROWS_MAX + 1), ROWS_MAX + 1);
        }
        return rows;
    }
}
