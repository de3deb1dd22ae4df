package io.fdbnbd.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class ProgressTest {
    private final StringWriter out = new StringWriter();
    private long now;

    private Progress progress(int columns) {
        return new Progress(new PrintWriter(out), () -> now, columns);
    }

    @Test
    void onATerminalABarIsDrawnOverItself() {
        Progress progress = progress(80);
        now += Duration.ofSeconds(10).toNanos();
        progress.show(0.25, 100 << 20);
        progress.show(0.5, 1000L << 20);
        progress.end();
        String[] drawn = out.toString().split("\r", -1);
        assertEquals(
                "[##########----------------------------]  25 %   100 MiB    10 MiB/s  0:30 left", drawn[1].strip());
        assertTrue(drawn[2].contains("  50 %  1000 MiB   100 MiB/s  0:10 left"), drawn[2]);
        assertTrue(drawn[3].isBlank() && drawn[3].length() == drawn[2].length());
        for (String line : drawn) {
            assertTrue(line.length() < 80, line);
        }
    }

    @Test
    void aNarrowTerminalGetsWhatFits() {
        Progress progress = progress(20);
        now += 1;
        progress.show(0.5, 1);
        assertEquals(19, out.toString().substring(1).length());
    }

    @Test
    void elsewhereThereIsALineNowAndThen() {
        Progress progress = progress(0);
        for (int second = 1; second <= 11; second++) {
            now = Duration.ofSeconds(second).toNanos();
            progress.show(second / 7200.0, second << 20);
        }
        progress.end();
        assertEquals(
                "  0 %     5 MiB     1 MiB/s  1:59 h left\n  0 %    10 MiB     1 MiB/s  1:59 h left\n",
                out.toString().replace(System.lineSeparator(), "\n"));
    }
}
