package io.fdbnbd.metrics;

import java.util.EnumMap;
import java.util.Map;
import java.util.function.BooleanSupplier;
import org.HdrHistogram.Histogram;

/** All that was measured of one volume since this was made, for tests. */
public final class Measured {
    private final IntervalReader reader;
    private final String volume;
    private final Map<Measure, Histogram> sums = new EnumMap<>(Measure.class);

    public Measured(Metrics metrics, String volume) {
        this.reader = metrics.reader();
        this.volume = volume;
    }

    /** Empty if there was nothing of it. */
    public Histogram of(Measure measure) {
        reader.take((name, taken, histogram) -> {
            if (name.equals(volume)) {
                sums.computeIfAbsent(taken, missing -> new Histogram(3)).add(histogram);
            }
        });
        return sums.getOrDefault(measure, new Histogram(3));
    }

    public long count(Measure measure) {
        return of(measure).getTotalCount();
    }

    /** Waits for what is noted only after the one who waited for it has gone on. */
    public static void await(BooleanSupplier noted) {
        while (!noted.getAsBoolean()) {
            Thread.onSpinWait();
        }
    }
}
