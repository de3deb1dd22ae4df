package io.fdbnbd.util;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class RateLimitTest {
    private long now;
    private final RateLimit limit = new RateLimit(() -> now);

    @Test
    void aFewLinesPassAndTheRestIsCounted() {
        for (int i = 0; i < 5; i++) {
            assertEquals(0, limit.tryLine());
        }
        for (int i = 0; i < 100; i++) {
            assertEquals(-1, limit.tryLine());
        }
        now += Duration.ofSeconds(10).toNanos();
        assertEquals(100, limit.tryLine(), "what was left out");
        assertEquals(0, limit.tryLine());
    }
}
