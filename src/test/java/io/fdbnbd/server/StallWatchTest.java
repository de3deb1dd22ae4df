package io.fdbnbd.server;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class StallWatchTest {
    private static final Duration DEADLINE = Duration.ofNanos(10);

    private final StallWatch watch = new StallWatch();
    private long now;

    private boolean stallsAt(long bytes, int nanosLater) {
        now += nanosLater;
        return watch.hasStalled(bytes, now, DEADLINE);
    }

    @Test
    void whoDoesNotMoveHasStalledAfterTheDeadline() {
        assertFalse(stallsAt(5, 100));
        assertFalse(stallsAt(5, 10));
        assertTrue(stallsAt(5, 1));
        assertTrue(stallsAt(5, 1));
    }

    @Test
    void aFewBytesAreNoProgress() {
        assertFalse(stallsAt(5, 0));
        assertFalse(stallsAt(6, 10));
        assertTrue(stallsAt(5 + StallWatch.BYTES_MIN - 1, 1));
        assertFalse(stallsAt(5 + StallWatch.BYTES_MIN, 1));
        assertFalse(stallsAt(5 + StallWatch.BYTES_MIN, 10));
    }

    @Test
    void whoHasNothingToMoveBeginsAnew() {
        assertFalse(stallsAt(5, 0));
        assertFalse(stallsAt(StallWatch.NOTHING, 100));
        assertFalse(stallsAt(5, 100));
        assertTrue(stallsAt(5, 11));
    }
}
