package io.fdbnbd.metrics;

import java.util.EnumMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.HdrHistogram.Histogram;

/**
 * Is given each value that is measured while it is open, once, at its own pace and whatever others read. One thread at a
 * time; the meters stay on until it is closed.
 */
public final class IntervalReader implements AutoCloseable {

    /** Takes the values of one interval. */
    public interface Taker {

        /**
         * Takes what came of one measure in the interval.
         *
         * @param histogram is not empty
         */
        void take(String volume, Measure measure, Histogram histogram);
    }

    private final Metrics metrics;

    // Guarded by the metrics' lock.
    private Map<String, Map<Measure, Histogram>> pending = new LinkedHashMap<>();

    IntervalReader(Metrics metrics) {
        this.metrics = metrics;
    }

    /** Hands over what came since the last call, volume by volume. */
    public void take(Taker taker) {
        metrics.takeFor(this)
                .forEach((volume, cells) -> cells.forEach((measure, sum) -> taker.take(volume, measure, sum)));
    }

    void add(String volume, Measure measure, Histogram histogram) {
        Histogram sum = pending.computeIfAbsent(volume, missing -> new EnumMap<>(Measure.class))
                .computeIfAbsent(measure, missing -> emptyLike(histogram));
        sum.add(histogram);
    }

    /** One like this without values, for one thread: what recorders give is for several, and slower. */
    static Histogram emptyLike(Histogram histogram) {
        return new Histogram(
                histogram.getLowestDiscernibleValue(),
                histogram.getHighestTrackableValue(),
                histogram.getNumberOfSignificantValueDigits());
    }

    /** Of closed volumes only so many wait for a reader that seldom takes, those that came last. */
    void forgetClosed(Set<String> open) {
        int closed = (int) pending.keySet().stream()
                .filter(volume -> !open.contains(volume))
                .count();
        Iterator<String> volumes = pending.keySet().iterator();
        while (closed > Metrics.CLOSED_MAX) {
            if (!open.contains(volumes.next())) {
                volumes.remove();
                closed--;
            }
        }
    }

    Map<String, Map<Measure, Histogram>> swap() {
        Map<String, Map<Measure, Histogram>> taken = pending;
        pending = new LinkedHashMap<>();
        return taken;
    }

    @Override
    public void close() {
        metrics.remove(this);
    }
}
