package io.fdbnbd.metrics;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.fdbnbd.metrics.Measure.Unit;
import io.fdbnbd.util.Ticker;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import org.HdrHistogram.Histogram;
import org.junit.jupiter.api.Test;

/** What is made of the recorders for those who watch: totals, and rates. */
class TotalsTest {
    private static final Map<Unit, long[]> BOUNDS = Map.of(Unit.NANOS, new long[] {10_000, 20_000, 50_000});

    private final Metrics metrics = new Metrics(Ticker.SYSTEM);
    private final Totals totals = new Totals(metrics);

    private record Total(long number, double sum, long[] atMost) {}

    private Map<String, Total> taken(String... open) {
        Map<String, Total> all = new TreeMap<>();
        totals.take(
                Set.of(open),
                BOUNDS,
                (volume, measure, number, sum, atMost) ->
                        all.put(volume + "/" + measure, new Total(number, sum, atMost)));
        return all;
    }

    private Total total(String what) {
        return Objects.requireNonNull(taken("v").get(what), what);
    }

    @Test
    void everyValueIsInItsBucketAndStaysThere() {
        Meter meter = metrics.open("v");
        meter.record(Measure.READ, 9_000, 2);
        meter.record(Measure.READ, 15_000, 3);
        meter.record(Measure.READ, 1_000_000, 1);
        for (int scrape = 0; scrape < 2; scrape++) {
            Total reads = total("v/READ");
            assertEquals(6, reads.number());
            assertEquals(1_063_000, reads.sum(), 1_063_000 / 128.0);
            assertArrayEquals(new long[] {2, 5, 5}, reads.atMost());
        }
        meter.record(Measure.READ, 30_000, 1);
        assertArrayEquals(new long[] {2, 5, 6}, total("v/READ").atMost());
    }

    @Test
    void countersOfOpenVolumesBeginWithZero() {
        metrics.open("v").count(Measure.BYTES_IN, 5);
        assertEquals(0, total("v/ERRORS").number());
        assertEquals(5, total("v/BYTES_IN").number());
    }

    @Test
    void ofManyClosedVolumesTheOldestAreForgotten() {
        for (int i = 0; i < Totals.VOLUMES_MAX + 2; i++) {
            Meter meter = metrics.open("v" + i);
            meter.count(Measure.BYTES_IN, 1);
            meter.close();
            taken("v0");
        }
        Set<String> left = taken("v0").keySet();
        assertEquals(true, left.contains("v0/BYTES_IN"));
        assertEquals(false, left.contains("v1/BYTES_IN"));
        assertEquals(true, left.contains("v2/BYTES_IN"));
    }

    @Test
    void ratesAreOfTheLastIntervalAndLatenciesOfTheWindow() {
        Deque<Map<String, Map<Measure, Histogram>>> window = new ArrayDeque<>();
        window.add(Map.of("v", Map.of(Measure.READ, histogram(1_000_000, 99))));
        window.add(Map.of("v", Map.of(Measure.READ, histogram(9_000_000, 1), Measure.BYTES_OUT, histogram(1, 4096))));
        VolumeRates rates = LiveRates.rates(window, 0.5).getOrDefault("v", VolumeRates.NONE);
        VolumeRates.Command read = Objects.requireNonNull(rates.commands().get(Measure.READ));
        assertEquals(2, read.perSecond());
        assertEquals(8192, rates.bytesOutPerSecond());
        assertEquals(1e6, (double) read.p50Nanos(), 1e6 / 128);
        assertEquals(1e6, (double) read.p99Nanos(), 1e6 / 128);
        assertEquals(9e6, (double) read.p999Nanos(), 9e6 / 128);
    }

    private static Histogram histogram(long value, long count) {
        Histogram histogram = new Histogram(1, 1L << 40, 2);
        histogram.recordValueWithCount(value, count);
        return histogram;
    }
}
