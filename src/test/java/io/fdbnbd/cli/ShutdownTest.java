package io.fdbnbd.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.fdbnbd.util.Closer;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

class ShutdownTest {
    private static final Duration LONG = Duration.ofMinutes(1);

    @Test
    void aStopThatWentWellHasNothingToSay() {
        assertNull(Shutdown.stop(new Closer(), LONG));
    }

    @Test
    void whatFailsAtTheStopIsSaid() {
        assertEquals(
                "the disk is gone",
                Shutdown.stop(
                        () -> {
                            throw new IOException("the disk is gone");
                        },
                        LONG));
    }

    @Test
    void aStopThatHangsEndsAtTheDeadline() {
        CountDownLatch never = new CountDownLatch(1);
        assertEquals(
                "not everything could be stored within 0 s: what was answered after a client's last flush may be lost",
                Shutdown.stop(never::await, Duration.ofMillis(1)));
        never.countDown();
    }
}
