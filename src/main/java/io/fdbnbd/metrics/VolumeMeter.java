package io.fdbnbd.metrics;

import io.fdbnbd.metrics.Measure.Unit;
import io.fdbnbd.util.Ticker;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.BooleanSupplier;
import org.HdrHistogram.Histogram;
import org.HdrHistogram.Recorder;
import org.jspecify.annotations.Nullable;

/**
 * The recorders and counters of one volume. Recording takes no lock, and no turn of the interval makes it wait:
 * HdrHistogram's {@link Recorder} has two histograms and swaps them. One thread at a time takes intervals.
 */
final class VolumeMeter implements Meter {

    /** What keeps one measure. */
    private sealed interface Cell {

        /** What came since the last call; null or empty if nothing. */
        @Nullable
        Histogram takeInterval();
    }

    private final String volume;
    private final Ticker ticker;
    private final BooleanSupplier on;
    private final Runnable onClose;
    private final Map<Measure, Recorded> recorded = new EnumMap<>(Measure.class);
    private final Map<Measure, Counted> counted = new EnumMap<>(Measure.class);

    /**
     * @param on whether anybody wants what is noted; asked each time
     * @param onClose called at each close
     */
    VolumeMeter(String volume, Ticker ticker, BooleanSupplier on, Runnable onClose) {
        this.volume = volume;
        this.ticker = ticker;
        this.on = on;
        this.onClose = onClose;
        for (Measure measure : Measure.values()) {
            if (measure.unit() == Unit.COUNT) {
                counted.put(measure, new Counted());
            } else {
                recorded.put(measure, new Recorded(measure.unit() == Unit.NANOS));
            }
        }
    }

    @Override
    public boolean isOn() {
        return on.getAsBoolean();
    }

    @Override
    public long now() {
        if (!isOn()) {
            return 0;
        }
        long now = ticker.nanoTime();
        return now == 0 ? 1 : now; // 0 says that nobody measures
    }

    @Override
    public void record(Measure measure, long value, long count) {
        Recorded cell = Objects.requireNonNull(recorded.get(measure), "a counter has no values");
        if (isOn()) {
            cell.record(value, count);
        }
    }

    @Override
    public void count(Measure measure, long number) {
        Counted cell = Objects.requireNonNull(counted.get(measure), "values are recorded, not counted");
        if (isOn()) {
            cell.number.add(number);
        }
    }

    @Override
    public void close() {
        onClose.run();
    }

    /** Hands over what came since the last call, of everything of which something came. */
    void takeIntervals(IntervalReader.Taker taker) {
        takeIntervals(recorded, taker);
        takeIntervals(counted, taker);
    }

    private void takeIntervals(Map<Measure, ? extends Cell> cells, IntervalReader.Taker taker) {
        cells.forEach((measure, cell) -> {
            Histogram interval = cell.takeInterval();
            if (interval != null && interval.getTotalCount() > 0) {
                taker.take(volume, measure, interval);
            }
        });
    }

    /** Made when it is first used, since each takes some tens of kilobytes and most volumes use few. */
    private static final class Recorded implements Cell {

        /** Values are exact to a part in 128. A third digit would cost eight times the memory, for every volume. */
        private static final int DIGITS = 2;

        /** Nanoseconds below this are not told apart. */
        private static final long NANOS_MIN = 1 << 7;

        private static final long NANOS_MAX = TimeUnit.HOURS.toNanos(1);

        /** Of sizes and numbers. */
        private static final long NUMBER_MAX = 1L << 40;

        private final long min;
        private final long max;
        private final AtomicReference<@Nullable Recorder> recorder = new AtomicReference<>();

        // Whoever takes intervals has this.
        private @Nullable Histogram recycled;

        Recorded(boolean nanos) {
            this.min = nanos ? NANOS_MIN : 1;
            this.max = nanos ? NANOS_MAX : NUMBER_MAX;
        }

        void record(long value, long count) {
            Recorder present = recorder.get();
            if (present == null) {
                recorder.compareAndSet(null, new Recorder(min, max, DIGITS));
                present = Objects.requireNonNull(recorder.get());
            }
            present.recordValueWithCount(Math.clamp(value, 0, max), count);
        }

        @Override
        public @Nullable Histogram takeInterval() {
            Recorder present = recorder.get();
            if (present == null) {
                return null;
            }
            recycled = present.getIntervalHistogram(recycled);
            return recycled;
        }
    }

    /** A number, as a histogram so that a log needs no second kind of line: its total count is exact. */
    private static final class Counted implements Cell {
        private final LongAdder number = new LongAdder();

        // Whoever takes intervals has this.
        private long before;

        @Override
        public @Nullable Histogram takeInterval() {
            long sum = number.sum();
            long interval = sum - before;
            before = sum;
            if (interval == 0) {
                return null;
            }
            Histogram histogram = new Histogram(2, 1);
            histogram.recordValueWithCount(1, interval);
            return histogram;
        }
    }
}
