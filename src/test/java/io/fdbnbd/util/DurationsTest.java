package io.fdbnbd.util;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DurationsTest {
    @Test
    void readsWholeNumbersWithAUnit() {
        assertEquals(Duration.ofMillis(500), Durations.parse("500ms"));
        assertEquals(Duration.ofSeconds(30), Durations.parse("30s"));
        assertEquals(Duration.ofMinutes(2), Durations.parse("2m"));
        assertEquals(Duration.ofHours(1), Durations.parse("1h"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "1", "s", "0s", "-1s", "1.5s", "1 s", "1d", "9999999999s"})
    void saysWhatIsAccepted(String text) {
        IllegalArgumentException thrown = assertThrows(IllegalArgumentException.class, () -> Durations.parse(text));
        assertEquals(
                "\"" + text + "\" is not a duration: write a whole number above 0 and its unit, ms, s, m or h, like"
                        + " 500ms or 30s",
                thrown.getMessage());
    }
}
