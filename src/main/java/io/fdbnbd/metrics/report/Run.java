package io.fdbnbd.metrics.report;

import io.fdbnbd.metrics.Measure;
import io.fdbnbd.util.Checks;
import java.io.BufferedInputStream;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.HdrHistogram.EncodableHistogram;
import org.HdrHistogram.Histogram;
import org.HdrHistogram.HistogramLogReader;

/** What one interval log holds. */
final class Run {

    /** The finest that time is told apart in: a column of a heat map has to be seen. */
    static final int SLOTS_MAX = 200;

    private final String name;
    private final Map<String, Series> series = new TreeMap<>();
    private long startMillis = Long.MAX_VALUE;
    private long endMillis;
    private long intervalMillis;
    private long slotMillis = 1;

    private Run(String name) {
        this.name = name;
    }

    /** What did not come out of a log. */
    static Run of(String name, long startMillis, long millis, List<Report.Values> values) {
        Run run = new Run(name);
        run.startMillis = startMillis;
        run.endMillis = startMillis + millis;
        run.intervalMillis = millis;
        values.forEach(one -> run.series.put(one.volume() + "/" + one.name(), new Series(one)));
        run.chooseSlots();
        return run;
    }

    /**
     * Reads a file, twice: memory does not grow with its length. The last line is left out if it was cut off.
     *
     * @throws IOException if it cannot be read, or has no interval in it
     */
    static Run read(Path file) throws IOException {
        Run run = new Run(file.toString());
        long bytes = completeBytes(file);
        run.forEachInterval(file, bytes, run::measureTime);
        if (run.startMillis == Long.MAX_VALUE) {
            throw new IOException(
                    file + " has no interval in it: is it a latency log (of `fdb-nbd serve --latency-log`),"
                            + " and has anything happened?");
        }
        run.chooseSlots();
        run.forEachInterval(file, bytes, run::add);
        return run;
    }

    private static long completeBytes(Path file) throws IOException {
        long bytes = 0;
        long complete = 0;
        try (InputStream in = new BufferedInputStream(Files.newInputStream(file))) {
            for (int next = in.read(); next >= 0; next = in.read()) {
                bytes++;
                if (next == '\n') {
                    complete = bytes;
                }
            }
        }
        return complete;
    }

    private void forEachInterval(Path file, long bytes, Consumer<Histogram> taker) throws IOException {
        try (InputStream in = new Beginning(new BufferedInputStream(Files.newInputStream(file)), bytes);
                HistogramLogReader reader = new HistogramLogReader(in)) {
            for (EncodableHistogram next = reader.nextIntervalHistogram();
                    next != null;
                    next = reader.nextIntervalHistogram()) {
                if (next instanceof Histogram interval && interval.getTotalCount() > 0) {
                    taker.accept(interval);
                }
            }
        } catch (RuntimeException e) { // the reader's for whatever is not a log
            throw new IOException(file + " cannot be read as an interval log of HdrHistogram: " + e.getMessage(), e);
        }
    }

    private void measureTime(Histogram interval) {
        startMillis = Math.min(startMillis, interval.getStartTimeStamp());
        endMillis = Math.max(endMillis, interval.getEndTimeStamp());
        if (intervalMillis == 0) {
            intervalMillis = interval.getEndTimeStamp() - interval.getStartTimeStamp();
        }
    }

    /** A slot is a whole number of intervals, so that no interval is split. */
    private void chooseSlots() {
        long millis = Math.max(1, intervalMillis);
        long intervals = Math.ceilDiv(Math.max(1, endMillis - startMillis), millis);
        slotMillis = millis * Math.ceilDiv(intervals, (long) SLOTS_MAX);
    }

    private void add(Histogram interval) {
        String tag = Objects.requireNonNullElse(interval.getTag(), "");
        // Its middle: the ends of intervals are a little early or late.
        long middle = (interval.getStartTimeStamp() + interval.getEndTimeStamp()) / 2;
        int slot = Math.clamp((middle - startMillis) / slotMillis, 0, slotCount() - 1);
        series.computeIfAbsent(tag, missing -> new Series(tag, slotCount())).add(slot, interval);
    }

    private int slotCount() {
        int count = (int) Math.ceilDiv(Math.max(1, endMillis - startMillis), slotMillis);
        Checks.check(count <= SLOTS_MAX, "more slots than were chosen");
        return count;
    }

    String name() {
        return name;
    }

    /** Since the epoch. */
    long startMillis() {
        return startMillis;
    }

    long millis() {
        return Math.max(1, endMillis - startMillis);
    }

    long slotMillis() {
        return slotMillis;
    }

    /** By volume, and in the order of the measures. */
    Collection<Series> series() {
        return series.values().stream()
                .sorted(Comparator.comparing(Series::volume)
                        .thenComparing(Series::measure, Comparator.nullsFirst(Comparator.<Measure>naturalOrder()))
                        .thenComparing(Series::name))
                .toList();
    }

    /** How much of something was counted for a volume, in the whole run. */
    long count(String volume, Measure measure) {
        return series().stream()
                .filter(one -> one.volume().equals(volume) && one.measure() == measure)
                .mapToLong(one -> one.all().getTotalCount())
                .sum();
    }

    /** The first bytes of a file. */
    private static final class Beginning extends FilterInputStream {
        private long left;

        Beginning(InputStream in, long bytes) {
            super(in);
            this.left = bytes;
        }

        @Override
        public int read() throws IOException {
            if (left == 0) {
                return -1;
            }
            left--;
            return super.read();
        }

        @Override
        public int read(byte[] to, int offset, int length) throws IOException {
            if (left == 0) {
                return -1;
            }
            int bytes = super.read(to, offset, (int) Math.min(left, length));
            left -= Math.max(0, bytes);
            return bytes;
        }
    }
}
