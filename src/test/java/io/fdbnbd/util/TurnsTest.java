package io.fdbnbd.util;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class TurnsTest {
    @Test
    void everySixteenthTurnInARowEndsInAPause() throws Exception {
        List<Duration> pauses = new ArrayList<>();
        Turns turns = new Turns(pauses::add);
        Thread thread = Thread.startVirtualThread(() -> take(turns));
        thread.join();
        assertEquals(2, pauses.size());
        take(turns);
        assertEquals(2, pauses.size(), "a platform thread has time slices");
    }

    private static void take(Turns turns) {
        try {
            for (int i = 0; i < 15; i++) {
                turns.ended();
            }
            turns.waited();
            for (int i = 0; i < 35; i++) {
                turns.ended();
            }
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
