package io.fdbnbd.metrics.report;

import io.fdbnbd.metrics.Measure;
import io.fdbnbd.metrics.Measure.Unit;
import io.fdbnbd.metrics.Tag;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.TreeMap;
import org.HdrHistogram.Histogram;
import org.HdrHistogram.HistogramIterationValue;
import org.jspecify.annotations.Nullable;

/**
 * All values of one tag in a log: together, and by time in slots of equal length. Not safe for several threads.
 *
 * <p>A log of another program has tags of its own, or none: its values are taken for latencies in nanoseconds, as is the
 * custom.
 */
final class Series {

    /** Rows of a heat map for each doubling of the value. */
    static final int ROWS_PER_DOUBLING = 4;

    /** A place in a heat map: {@code floor(log2(value) * ROWS_PER_DOUBLING)} in a slot. */
    record Cell(int slot, int row) {}

    private final String volume;
    private final String name;
    private final @Nullable Measure measure;
    private final Histogram all = new Histogram(3);
    private final long[] counts;
    private final TreeMap<Cell, Long> heat =
            new TreeMap<>(Comparator.comparingInt(Cell::slot).thenComparingInt(Cell::row));

    Series(String tag, int slots) {
        Optional<Tag> ours = Tag.parse(tag);
        this.volume = ours.map(Tag::volume).orElse("");
        this.measure = ours.map(Tag::measure).orElse(null);
        this.name = measure == null ? tag : name(measure);
        this.counts = new long[slots];
    }

    /** What did not come out of a log, all of it in one slot. */
    Series(Report.Values values) {
        this.volume = values.volume();
        this.measure = values.measure();
        this.name = values.name();
        this.counts = new long[1];
        add(0, values.histogram());
    }

    void add(int slot, Histogram interval) {
        all.add(interval);
        counts[slot] += interval.getTotalCount();
        if (unit() == Unit.NANOS) {
            for (HistogramIterationValue value : interval.recordedValues()) {
                Cell cell = new Cell(slot, row(value.getValueIteratedTo()));
                heat.merge(cell, value.getCountAddedInThisIterationStep(), Long::sum);
            }
        }
    }

    private static int row(long value) {
        return (int) Math.floor(Math.log((double) Math.max(1, value)) / Math.log(2) * ROWS_PER_DOUBLING);
    }

    String volume() {
        return volume;
    }

    /** What people call it. */
    static String name(Measure measure) {
        return measure.name().toLowerCase(Locale.ROOT).replace('_', ' ');
    }

    /** What is measured, as people call it. */
    String name() {
        return name;
    }

    /** Null in a log of another program. */
    @Nullable
    Measure measure() {
        return measure;
    }

    Unit unit() {
        return measure == null ? Unit.NANOS : measure.unit();
    }

    /** Whether it is the time of a whole request. */
    boolean isCommand() {
        return measure == null || measure.isCommand();
    }

    Histogram all() {
        return all;
    }

    /** By slot. */
    long[] counts() {
        return counts;
    }

    /** Slot, row and count of each place that has any, one after the other. */
    List<Long> heat() {
        List<Long> flat = new ArrayList<>(3 * heat.size());
        heat.forEach((cell, count) -> flat.addAll(List.of((long) cell.slot(), (long) cell.row(), count)));
        return flat;
    }
}
