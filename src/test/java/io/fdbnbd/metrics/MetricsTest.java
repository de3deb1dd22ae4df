package io.fdbnbd.metrics;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import io.fdbnbd.util.Ticker;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.HdrHistogram.Histogram;
import org.junit.jupiter.api.Test;

class MetricsTest {
    private static final int THREADS = 4;
    private static final int VALUES = 50_000;

    private final Metrics metrics = new Metrics(Ticker.SYSTEM);
    private final Measured measured = new Measured(metrics, "v");
    private final IntervalReader reader = metrics.reader();

    @Test
    void whatWasRecordedIsTakenOnce() {
        Meter meter = metrics.open("v");
        meter.record(Measure.READ, 5_000, 3);
        meter.count(Measure.BYTES_OUT, 12_345_678_901L);
        Histogram reads = measured.of(Measure.READ);
        assertEquals(3, reads.getTotalCount());
        assertEquals(5e3, (double) reads.getMaxValue(), 5_000 / 128.0);
        assertEquals(12_345_678_901L, measured.count(Measure.BYTES_OUT));
        assertEquals(List.of("v/READ=3", "v/BYTES_OUT=12345678901"), taken());
        assertEquals(List.of(), taken());
        meter.count(Measure.BYTES_OUT, 1);
        assertEquals(List.of("v/BYTES_OUT=1"), taken());
    }

    @Test
    void whatIsOutOfRangeCountsAtItsEdge() {
        Meter meter = metrics.open("v");
        meter.record(Measure.STALL, TimeUnit.DAYS.toNanos(1), 1);
        meter.record(Measure.STALL, -5, 1);
        Histogram stalls = measured.of(Measure.STALL);
        assertEquals(2, stalls.getTotalCount());
        assertEquals(0, stalls.getMinValue());
        assertEquals(3600e9, (double) stalls.getMaxValue(), 3600e9 / 128);
    }

    @Test
    void aCounterHasNoValuesAndAValueIsNotCounted() {
        Meter meter = metrics.open("v");
        assertThrows(NullPointerException.class, () -> meter.record(Measure.BYTES_IN, 1, 1));
        assertThrows(NullPointerException.class, () -> meter.count(Measure.READ, 1));
    }

    /** Intervals are taken while others record: each value is in exactly one of them. */
    @Test
    void noValueIsLostOrTakenTwice() throws InterruptedException {
        Meter meter = metrics.open("v");
        CountDownLatch done = new CountDownLatch(THREADS);
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < THREADS; i++) {
            threads.add(Thread.ofPlatform().start(() -> {
                for (int value = 0; value < VALUES; value++) {
                    meter.record(Measure.WRITE, 1000 + value, 1);
                    meter.count(Measure.BYTES_IN, 3);
                }
                done.countDown();
            }));
        }
        while (done.getCount() > 0) {
            measured.of(Measure.WRITE);
        }
        for (Thread thread : threads) {
            thread.join();
        }
        assertEquals(THREADS * VALUES, measured.count(Measure.WRITE));
        assertEquals(3L * THREADS * VALUES, measured.count(Measure.BYTES_IN));
    }

    @Test
    void theLastValuesOfAClosedVolumeAreTakenToo() {
        Meter meter = metrics.open("v");
        meter.record(Measure.FLUSH, 1000, 1);
        meter.close();
        assertEquals(List.of("v/FLUSH=1"), taken());
        meter.record(Measure.FLUSH, 1000, 1);
        assertEquals(List.of(), taken());
    }

    @Test
    void aVolumeThatIsOpenedAgainGoesOn() {
        Meter first = metrics.open("v");
        first.count(Measure.ERRORS, 1);
        first.close();
        metrics.open("v").count(Measure.ERRORS, 1);
        assertEquals(List.of("v/ERRORS=2"), taken());
    }

    @Test
    void ofManyClosedVolumesTheFirstAreForgotten() {
        for (int i = 0; i < Metrics.CLOSED_MAX + 2; i++) {
            Meter meter = metrics.open("v" + i);
            meter.count(Measure.ERRORS, 1);
            meter.close();
        }
        List<String> taken = taken();
        assertEquals(Metrics.CLOSED_MAX, taken.size());
        assertEquals("v2/ERRORS=1", taken.getFirst());
    }

    @Test
    void whatOneReaderTakesTheOthersGetToo() {
        Meter meter = metrics.open("v");
        meter.record(Measure.READ, 5_000, 3);
        assertEquals(List.of("v/READ=3"), taken());
        meter.record(Measure.READ, 5_000, 1);
        assertEquals(4, measured.count(Measure.READ));
        assertEquals(List.of("v/READ=1"), taken());
    }

    @Test
    void nothingIsMeasuredWhileNobodyReads() {
        Metrics unread = new Metrics(Ticker.SYSTEM);
        Meter meter = unread.open("v");
        assertFalse(meter.isOn());
        long before = meter.now();
        assertEquals(0, before);
        meter.record(Measure.READ, 5_000, 1);
        meter.count(Measure.ERRORS, 1);
        try (IntervalReader late = unread.reader()) {
            assertTrue(meter.isOn());
            // It began while nobody looked at the clock.
            meter.recordSince(Measure.READ, before, 1);
            late.take((volume, measure, histogram) -> fail(volume + " " + measure));
        }
        assertFalse(meter.isOn());
    }

    @Test
    void aReaderThatSeldomTakesKeepsFewOfTheClosed() {
        for (int i = 0; i < 2 * Metrics.CLOSED_MAX; i++) {
            Meter meter = metrics.open("v" + i);
            meter.count(Measure.ERRORS, 1);
            meter.close();
            measured.count(Measure.ERRORS);
        }
        List<String> taken = taken();
        assertEquals(Metrics.CLOSED_MAX, taken.size());
        assertEquals("v" + Metrics.CLOSED_MAX + "/ERRORS=1", taken.getFirst());
    }

    private List<String> taken() {
        List<String> taken = new ArrayList<>();
        reader.take(
                (volume, measure, histogram) -> taken.add(volume + "/" + measure + "=" + histogram.getTotalCount()));
        return taken;
    }
}
