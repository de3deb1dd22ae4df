package io.fdbnbd.util;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class TurnsTest {
    private static final int KIB = 1 << 10;

    private final List<Duration> pauses = new ArrayList<>();
    private final Turns turns = new Turns(pauses::add);

    @Test
    void aTurnIsAMebibyteWithoutWaiting() throws Exception {
        Thread.startVirtualThread(() -> take(1023)).join();
        assertEquals(0, pauses.size());
        Thread.startVirtualThread(() -> take(1)).join();
        assertEquals(1, pauses.size());
        Thread.startVirtualThread(() -> take(1023)).join();
        turns.waited();
        Thread.startVirtualThread(() -> take(2 * 1024 + 1)).join();
        assertEquals(3, pauses.size());
    }

    @Test
    void aPlatformThreadHasTimeSlices() {
        take(3 * 1024);
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
