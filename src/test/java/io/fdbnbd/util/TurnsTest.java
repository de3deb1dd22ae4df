package io.fdbnbd.util;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class TurnsTest {
    private static final int KIB = 1 << 10;
    private static final int TURN_KIB = (int) Turns.TURN_BYTES_MAX / KIB;

    private final List<Duration> pauses = new ArrayList<>();
    private final Turns turns = new Turns(pauses::add);

    @Test
    void aTurnEndsAfterSoMuchWithoutWaiting() throws Exception {
        Thread.startVirtualThread(() -> take(TURN_KIB - 1)).join();
        assertEquals(0, pauses.size());
        Thread.startVirtualThread(() -> take(1)).join();
        assertEquals(1, pauses.size());
        Thread.startVirtualThread(() -> take(TURN_KIB - 1)).join();
        turns.waited();
        Thread.startVirtualThread(() -> take(2 * TURN_KIB + 1)).join();
        assertEquals(3, pauses.size());
    }

    @Test
    void aPlatformThreadHasTimeSlices() {
        take(3 * TURN_KIB);
        assertEquals(0, pauses.size());
    }

    private void take(int kib) {
        try {
            for (int i = 0; i < kib; i++) {
                turns.did(KIB);
                turns.letOthersRun();
            }
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
