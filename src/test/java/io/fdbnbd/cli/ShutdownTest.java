package io.fdbnbd.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.fdbnbd.util.Closer;
import io.fdbnbd.util.JavaCommand;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
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

    /** A signal may come before anything was logged, and then the log begins in the hook. */
    @Test
    void theLogCanBeginWithTheStop() throws Exception {
        String programsOwnLog = "-Dtinylog.configuration=tinylog.properties";
        Process process = new ProcessBuilder(JavaCommand.of(StoppedAtOnce.class, programsOwnLog)).start();
        List<String> log = process.errorReader(StandardCharsets.UTF_8).lines().toList();
        assertEquals(Main.EXIT_DONE, process.waitFor(), () -> String.join("\n", log));
        assertEquals(
                List.of("stopping", "stopped"),
                log.stream().map(ShutdownTest::message).toList());
    }

    private static String message(String line) {
        return line.substring(line.indexOf("] ") + 2);
    }

    /** A server whose signal comes when it has done nothing yet. */
    static final class StoppedAtOnce {
        private StoppedAtOnce() {}

        public static void main(String[] arguments) {
            Shutdown.install(new PrintWriter(System.err, true, StandardCharsets.UTF_8));
            System.exit(Main.EXIT_FAILED);
        }
    }
}
