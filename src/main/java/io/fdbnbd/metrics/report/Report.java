package io.fdbnbd.metrics.report;

import io.fdbnbd.metrics.Measure;
import io.fdbnbd.metrics.Measure.Unit;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;

/** What interval logs show, as text, as JSON and as a page; each file is a run, and runs stand side by side. */
public final class Report {

    /** The percentiles that tables name. */
    static final List<String> PERCENTILES = List.of("50", "90", "99", "99.9", "99.99", "99.999");

    private static final double NANOS_PER_MICRO = 1e3;
    private static final int TICKS_PER_HALF = 5;

    /**
     * Values that are in no log.
     *
     * @param measure null for what goes by another name than its own
     */
    public record Values(
            String volume, String name, @Nullable Measure measure, Histogram histogram) {

        /** Of something that is recorded. */
        public static Values of(String volume, Measure measure, Histogram histogram) {
            return new Values(volume, Series.name(measure), measure, histogram);
        }

        /** Of something that is only counted. */
        public static Values count(String volume, Measure measure, long number) {
            Histogram histogram = new Histogram(2);
            histogram.recordValueWithCount(1, number);
            return of(volume, measure, histogram);
        }

        /** The same as a latency that is told apart from the measure's own. */
        public Values named(String addition) {
            return new Values(volume, name + " " + addition, null, histogram);
        }
    }

    private final List<Run> runs;

    private Report(List<Run> runs) {
        this.runs = runs;
    }

    /**
     * Reads logs.
     *
     * @throws IOException if one cannot be read, or has no interval in it
     */
    public static Report read(List<Path> files) throws IOException {
        List<Run> runs = new ArrayList<>(files.size());
        for (Path file : files) {
            runs.add(Run.read(file));
        }
        return new Report(runs);
    }

    /** A run that is in no log. */
    public static Report of(String name, Instant start, Duration duration, List<Values> values) {
        return new Report(List.of(Run.of(name, start.toEpochMilli(), Math.max(1, duration.toMillis()), values)));
    }

    /** For every run a line for each volume and measure of time. */
    public List<String> summary() {
        List<String> lines = new ArrayList<>();
        for (Run run : runs) {
            if (runs.size() > 1) {
                lines.add("# " + run.name());
            }
            lines.addAll(Summary.lines(run));
        }
        return lines;
    }

    /** HdrHistogram's own table of percentiles for every run, volume and measure; times in microseconds. */
    public String percentiles() {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (PrintStream out = new PrintStream(bytes, false, StandardCharsets.UTF_8)) {
            for (Run run : runs) {
                for (Series series : run.series()) {
                    String what = run.name() + ": " + series.volume() + " " + series.name();
                    if (series.unit() == Unit.COUNT) {
                        out.printf("# %s: %d%n%n", what, series.all().getTotalCount());
                    } else {
                        out.printf("# %s, %s%n", what, unitName(series.unit()));
                        series.all().outputPercentileDistribution(out, TICKS_PER_HALF, divisor(series.unit()));
                        out.println();
                    }
                }
            }
        }
        return bytes.toString(StandardCharsets.UTF_8);
    }

    /** What {@link #percentiles} divides values by. */
    private static double divisor(Unit unit) {
        return unit == Unit.NANOS ? NANOS_PER_MICRO : 1;
    }

    private static String unitName(Unit unit) {
        return switch (unit) {
            case NANOS -> "microseconds";
            case BYTES -> "bytes";
            case BLOCKS -> "blocks";
            case COUNT -> "";
        };
    }

    /** The summary, and behind it the percentiles. */
    public String text() {
        return String.join(System.lineSeparator(), summary())
                + System.lineSeparator()
                + System.lineSeparator()
                + percentiles();
    }

    /** For the writer of JSON: a list of runs. */
    public List<Object> json() {
        List<Object> list = new ArrayList<>();
        for (Run run : runs) {
            Map<String, Object> object = new LinkedHashMap<>();
            object.put("file", run.name());
            object.put("start", Instant.ofEpochMilli(run.startMillis()).toString());
            object.put("duration_ms", run.millis());
            object.put("measures", measures(run));
            list.add(object);
        }
        return list;
    }

    /** Of the first run, what {@link #json} has in it as measures. */
    public List<Object> measures() {
        return measures(runs.getFirst());
    }

    private static List<Object> measures(Run run) {
        List<Object> all = new ArrayList<>();
        run.series().forEach(series -> all.add(json(series)));
        return all;
    }

    private static Map<String, @Nullable Object> json(Series series) {
        Histogram all = series.all();
        Map<String, @Nullable Object> object = new LinkedHashMap<>();
        object.put("volume", series.volume());
        object.put("measure", series.name());
        object.put("count", all.getTotalCount());
        if (series.unit() != Unit.COUNT) {
            object.put("unit", series.unit() == Unit.NANOS ? "ns" : unitName(series.unit()));
            object.put("min", all.getMinValue());
            object.put("mean", Math.round(all.getMean()));
            object.put("max", all.getMaxValue());
            Map<String, Object> percentiles = new LinkedHashMap<>();
            PERCENTILES.forEach(p -> percentiles.put(p, all.getValueAtPercentile(Double.parseDouble(p))));
            object.put("percentiles", percentiles);
        }
        return object;
    }

    /** One page that needs nothing else, neither a file nor a network. */
    public String html() {
        return new Page(runs).html();
    }
}
