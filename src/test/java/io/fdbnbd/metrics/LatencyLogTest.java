package io.fdbnbd.metrics;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fdbnbd.util.Ticker;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.HdrHistogram.EncodableHistogram;
import org.HdrHistogram.Histogram;
import org.HdrHistogram.HistogramLogProcessor;
import org.HdrHistogram.HistogramLogReader;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LatencyLogTest {
    private static final double NANOS_PER_MICRO = 1000;
    private static final Instant START = Instant.parse("2026-01-31T12:00:00Z");
    private static final long TICKER_START = 77;

    @TempDir
    private Path temp;

    private final Metrics metrics = new Metrics(Ticker.SYSTEM);
    private final Meter meter = metrics.open("a disk, or two");
    private final AtomicLong nanos = new AtomicLong(TICKER_START);
    private Path path = Path.of("");

    @BeforeEach
    void name() {
        path = temp.resolve("latency.hlog");
    }

    /** The clocks stand still: only {@link #pass} and the close take intervals. */
    private LatencyLog start(long fileBytesMax, int filesMax) throws IOException {
        RolledFile file = new RolledFile(path, fileBytesMax, filesMax);
        return new LatencyLog(file, path, LatencyLog.INTERVAL_MAX, metrics, nanos::get, this::time);
    }

    private Instant time() {
        return START.plusNanos(nanos.get() - TICKER_START);
    }

    private void pass(LatencyLog log, Duration time) {
        nanos.addAndGet(time.toNanos());
        log.writeInterval();
    }

    private static List<Histogram> read(Path file) throws IOException {
        List<Histogram> all = new ArrayList<>();
        try (HistogramLogReader reader = new HistogramLogReader(file.toFile())) {
            for (EncodableHistogram next = reader.nextIntervalHistogram();
                    next != null;
                    next = reader.nextIntervalHistogram()) {
                all.add((Histogram) next);
            }
        }
        return all;
    }

    @Test
    void hdrHistogramsReaderReadsWhatWasMeasured() throws IOException {
        try (LatencyLog log = start(LatencyLog.FILE_BYTES_MAX, 2)) {
            pass(log, Duration.ofSeconds(5));
            meter.record(Measure.READ, 1_000_000, 10);
            meter.count(Measure.BYTES_OUT, 40_960);
            pass(log, Duration.ofSeconds(1));
            meter.record(Measure.READ, 2_000_000, 1);
            pass(log, Duration.ofSeconds(1));
        }
        List<Histogram> all = read(path);
        assertEquals(3, all.size());
        Histogram first = all.getFirst();
        assertEquals("a+disk%2C+or+two/read", first.getTag());
        assertEquals(10, first.getTotalCount());
        assertEquals(1e6, (double) first.getMaxValue(), 1e6 / 128);
        assertEquals(START.toEpochMilli() + 5000, first.getStartTimeStamp());
        assertEquals(START.toEpochMilli() + 6000, first.getEndTimeStamp());
        assertEquals("a+disk%2C+or+two/bytes_out", all.get(1).getTag());
        assertEquals(40_960, all.get(1).getTotalCount());
        assertEquals(START.toEpochMilli() + 6000, all.get(2).getStartTimeStamp());
    }

    /** Its own program on a log with two measures prints, for each, what it would of the values themselves. */
    @Test
    void hdrHistogramsProcessorPrintsTheNumbersOfEachTag() throws Exception {
        Random random = new Random(5);
        Map<Measure, Histogram> expected = Map.of(Measure.READ, likeAMeters(), Measure.WRITE, likeAMeters());
        try (LatencyLog log = start(LatencyLog.FILE_BYTES_MAX, 2)) {
            for (int interval = 0; interval < 3; interval++) {
                expected.forEach((measure, histogram) -> {
                    for (int i = 0; i < 10_000; i++) {
                        long value = (long) (50_000 * Math.exp(2 * random.nextGaussian()));
                        meter.record(measure, value, 1);
                        histogram.recordValue(value);
                    }
                });
                meter.count(Measure.BYTES_IN, 4096);
                pass(log, Duration.ofSeconds(1));
            }
        }
        for (Map.Entry<Measure, Histogram> entry : expected.entrySet()) {
            ByteArrayOutputStream table = new ByteArrayOutputStream();
            entry.getValue().outputPercentileDistribution(new PrintStream(table, true, UTF_8), 5, NANOS_PER_MICRO);
            assertEquals(table.toString(UTF_8), processed(new Tag("a disk, or two", entry.getKey())));
        }
    }

    /** As exact as a meter is. */
    private static Histogram likeAMeters() {
        return new Histogram(1 << 7, TimeUnit.HOURS.toNanos(1), 2);
    }

    /** What HistogramLogProcessor makes of the log's lines with a tag. */
    private String processed(Tag tag) throws Exception {
        Path out = temp.resolve("out");
        HistogramLogProcessor processor = new HistogramLogProcessor(new String[] {
            "-i",
            path.toString(),
            "-o",
            out.toString(),
            "-tag",
            tag.toString(),
            "-outputValueUnitRatio",
            String.valueOf(NANOS_PER_MICRO)
        });
        processor.start();
        processor.join();
        String table = Files.readString(temp.resolve("out.hgrm"));
        return table.substring(table.indexOf("       Value")); // before it are times
    }

    @Test
    void theCloseTakesTheLastInterval() throws IOException {
        LatencyLog log = start(LatencyLog.FILE_BYTES_MAX, 2);
        meter.record(Measure.FLUSH, 1000, 1);
        meter.close();
        log.close();
        assertEquals(1, read(path).size());
    }

    @Test
    void anIntervalIsInTheFileBeforeTheNextBegins() throws IOException {
        try (LatencyLog log = start(LatencyLog.FILE_BYTES_MAX, 2)) {
            meter.record(Measure.FLUSH, 1000, 1);
            pass(log, Duration.ofSeconds(1));
            assertEquals(1, read(path).size());
        }
    }

    @Test
    void aFullFileIsRolledAndEachCanBeReadByItself() throws IOException {
        int bytesMax = 2000;
        try (LatencyLog log = start(bytesMax, 3)) {
            for (int i = 0; i < 100; i++) {
                meter.record(Measure.READ, 1_000_000, 1);
                pass(log, Duration.ofSeconds(1));
            }
        }
        List<Path> files = List.of(temp.resolve("latency.hlog.2"), temp.resolve("latency.hlog.1"), path);
        long next = START.toEpochMilli() + 100_000;
        for (Path file : files.reversed()) {
            assertTrue(Files.size(file) <= bytesMax, file + " has " + Files.size(file) + " bytes");
            for (Histogram interval : read(file).reversed()) {
                assertEquals(next, interval.getEndTimeStamp());
                next = interval.getStartTimeStamp();
            }
        }
        assertFalse(Files.exists(temp.resolve("latency.hlog.3")));
        assertTrue(next > START.toEpochMilli(), "the first files are gone");
    }

    @Test
    void whatWasThereIsKeptUnderAnotherName() throws IOException {
        Files.writeString(path, "of the run before");
        start(LatencyLog.FILE_BYTES_MAX, 2).close();
        assertEquals("of the run before", Files.readString(temp.resolve("latency.hlog.1")));
        assertEquals("", Files.readString(path));
    }

    @Test
    void aMissingDirectoryIsNamed() {
        Path nowhere = temp.resolve("nowhere/latency.hlog");
        IOException failure = assertThrows(
                IOException.class,
                () -> LatencyLog.start(nowhere, LatencyLog.INTERVAL_MIN, metrics, nanos::get, () -> START));
        assertTrue(String.valueOf(failure.getMessage()).contains(nowhere + " cannot be written"), failure::toString);
    }

    @Test
    void aTagIsReadBack() {
        Tag tag = new Tag("it's \"quoted\"/50%, диск", Measure.WRITE_QUEUE);
        assertFalse(tag.toString().contains(","));
        assertEquals(Optional.of(tag), Tag.parse(tag.toString()));
        assertEquals(Optional.empty(), Tag.parse("disk/other"));
        assertEquals(Optional.empty(), Tag.parse("disk"));
    }
}
