package io.fdbnbd.metrics.report;

import io.fdbnbd.metrics.Tag;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import org.HdrHistogram.Histogram;
import org.HdrHistogram.HistogramLogWriter;

/** Writes an interval log of random values, and keeps the sums: what a report of it has to show. */
final class SampleLog {
    static final Instant START = Instant.parse("2026-01-31T12:00:00Z");

    private final Map<String, Histogram> sums = new TreeMap<>();

    /** @param seconds how many intervals, of a second each */
    SampleLog(Path file, Random random, int seconds, int valuesPerInterval, Tag... tags) throws IOException {
        try (PrintStream out = new PrintStream(file.toFile())) {
            HistogramLogWriter writer = new HistogramLogWriter(out);
            writer.outputLogFormatVersion();
            writer.outputBaseTime(START.toEpochMilli());
            writer.outputStartTime(START.toEpochMilli());
            writer.outputLegend();
            for (int second = 0; second < seconds; second++) {
                for (Tag tag : tags) {
                    Histogram interval = new Histogram(2);
                    for (int i = 0; i < valuesPerInterval; i++) {
                        interval.recordValue((long) (1e5 * Math.exp(random.nextGaussian())));
                    }
                    interval.setTag(tag.toString());
                    writer.outputIntervalHistogram(second, second + 1, interval);
                    sums.computeIfAbsent(tag.toString(), missing -> new Histogram(3))
                            .add(interval);
                }
            }
        }
    }

    /** All values of a tag. */
    Histogram sum(Tag tag) {
        return Objects.requireNonNull(sums.get(tag.toString()));
    }
}
