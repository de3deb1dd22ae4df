package io.fdbnbd.metrics;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import org.HdrHistogram.Histogram;

/** All that was measured since this was made, by volume and measure. Any thread; the lock is held for a whole look. */
public final class Totals implements AutoCloseable {

    /** Volumes that did nothing for the longest time are forgotten beyond this, unless they are open. */
    static final int VOLUMES_MAX = Metrics.CLOSED_MAX;

    /** Takes what there is of one measure of one volume. */
    public interface Taker {

        /**
         * Takes it.
         *
         * @param number how many values there were, or how much was counted
         * @param sum of the values, to a part in 256; 0 of what is only counted
         * @param atMost how many values there were up to each bound, to a part in 128 of the bound; empty if counted
         */
        void take(String volume, Measure measure, long number, double sum, long[] atMost);
    }

    private final IntervalReader reader;
    private final ReentrantLock lock = new ReentrantLock();

    // Guarded by lock, those last that did something last.
    private final Map<String, Map<Measure, Histogram>> sums = new LinkedHashMap<>();

    public Totals(Metrics metrics) {
        this.reader = metrics.reader();
    }

    /**
     * Hands over everything, up to now.
     *
     * @param open volumes that are not forgotten, however long they did nothing, and whose counters all are handed over
     * @param bounds for each unit, in that unit
     */
    public void take(Set<String> open, Map<Measure.Unit, long[]> bounds, Taker taker) {
        lock.lock();
        try {
            reader.take(this::add);
            forget(open);
            open.forEach(volume -> takeZeroes(volume, taker));
            sums.forEach((volume, cells) -> cells.forEach((measure, all) -> taker.take(
                    volume,
                    measure,
                    all.getTotalCount(),
                    measure.unit() == Measure.Unit.COUNT ? 0 : all.getMean() * all.getTotalCount(),
                    atMost(all, bounds.getOrDefault(measure.unit(), new long[0])))));
        } finally {
            lock.unlock();
        }
    }

    /** What is counted begins with 0: the first of something rare would be no increase otherwise. */
    private void takeZeroes(String volume, Taker taker) {
        Map<Measure, Histogram> cells = sums.getOrDefault(volume, Map.of());
        for (Measure measure : Measure.values()) {
            if (measure.unit() == Measure.Unit.COUNT && !cells.containsKey(measure)) {
                taker.take(volume, measure, 0, 0, new long[0]);
            }
        }
    }

    private void add(String volume, Measure measure, Histogram histogram) {
        Map<Measure, Histogram> cells = sums.remove(volume);
        if (cells == null) {
            cells = new EnumMap<>(Measure.class);
        }
        sums.put(volume, cells);
        cells.computeIfAbsent(measure, missing -> IntervalReader.emptyLike(histogram))
                .add(histogram);
    }

    private void forget(Set<String> open) {
        List<String> closed = new ArrayList<>(sums.keySet());
        closed.removeAll(open);
        Iterator<String> oldest = closed.iterator();
        for (int surplus = closed.size() - VOLUMES_MAX; surplus > 0; surplus--) {
            sums.remove(oldest.next());
        }
    }

    private static long[] atMost(Histogram all, long[] bounds) {
        long[] numbers = new long[bounds.length];
        long before = 0;
        for (int i = 0; i < bounds.length; i++) {
            before += i == 0
                    ? all.getCountBetweenValues(0, bounds[0])
                    : all.getCountBetweenValues(all.nextNonEquivalentValue(bounds[i - 1]), bounds[i]);
            numbers[i] = before;
        }
        return numbers;
    }

    @Override
    public void close() {
        reader.close();
    }
}
