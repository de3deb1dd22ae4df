package io.fdbnbd.metrics;

import static io.fdbnbd.util.Checks.checkArgument;

import io.fdbnbd.metrics.Measure.Unit;
import io.fdbnbd.util.Threads;
import io.fdbnbd.util.Ticker;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.HdrHistogram.HistogramLogWriter;
import org.tinylog.Logger;

/**
 * Writes what was measured to a file, interval by interval, in the format of HdrHistogram's interval logs: a line for
 * each volume and measure of which something came, its tag naming both. Times are in nanoseconds; of what is only
 * counted, the number is the histogram's total count.
 *
 * <p>The thread {@code latency-log} takes the intervals; each is in the hands of the operating system before the next
 * begins, so a process that is killed loses one at most. The close takes the last.
 */
public final class LatencyLog implements AutoCloseable {
    public static final Duration INTERVAL_MIN = Duration.ofMillis(100);
    public static final Duration INTERVAL_MAX = Duration.ofHours(1);

    /** A busy volume writes about 4 KiB an interval: with one second, hours to a file. */
    static final long FILE_BYTES_MAX = 64L << 20;

    static final int FILES_MAX = 8;

    private static final Duration JOIN_DEADLINE = Duration.ofSeconds(5);

    /** What the log's third column, which is for people, divides times by. */
    private static final double NANOS_PER_MILLI = 1e6;

    private static final double NANOS_PER_SECOND = 1e9;

    private final RolledFile file;
    private final Path path;
    private final IntervalReader reader;
    private final Ticker ticker;
    private final CountDownLatch stopping = new CountDownLatch(1);
    private final Thread thread;

    private final long startNanos;
    private final long startMillis;

    // The thread's own; after its end the close's.
    private long intervalNanos;
    private boolean failing;

    /**
     * Begins a log, renaming a file that is there.
     *
     * @param interval between {@link #INTERVAL_MIN} and {@link #INTERVAL_MAX}
     * @throws IOException if the file cannot be written
     */
    public static LatencyLog start(Path path, Duration interval, Metrics metrics, Ticker ticker, InstantSource clock)
            throws IOException {
        try {
            return new LatencyLog(
                    new RolledFile(path, FILE_BYTES_MAX, FILES_MAX), path, interval, metrics, ticker, clock);
        } catch (IOException e) {
            throw new IOException(
                    "the latency log " + path + " cannot be written (" + e
                            + "): name a file in a directory that is there and yours",
                    e);
        }
    }

    LatencyLog(RolledFile file, Path path, Duration interval, Metrics metrics, Ticker ticker, InstantSource clock) {
        checkArgument(
                interval.compareTo(INTERVAL_MIN) >= 0 && interval.compareTo(INTERVAL_MAX) <= 0,
                "an interval is between 100 ms and an hour");
        this.file = file;
        this.path = path;
        this.reader = metrics.reader();
        this.ticker = ticker;
        this.startMillis = clock.millis();
        this.startNanos = ticker.nanoTime();
        this.intervalNanos = startNanos;
        this.thread = Threads.startPlatform("latency-log", () -> run(interval.toNanos()));
    }

    private void run(long nanos) {
        long next = ticker.nanoTime() + nanos;
        try {
            while (!stopping.await(next - ticker.nanoTime(), TimeUnit.NANOSECONDS)) {
                writeInterval();
                next = Math.max(next + nanos, ticker.nanoTime());
            }
        } catch (InterruptedException e) {
            Logger.debug("the latency log was interrupted");
        }
    }

    /** Writes what came since the last call. The thread's; tests whose clock stands still call it themselves. */
    void writeInterval() {
        byte[] lines = takeInterval();
        if (lines.length == 0) {
            return;
        }
        try {
            if (file.isFullFor(lines.length)) {
                file.roll();
            }
            if (file.isEmpty()) {
                file.append(header());
            }
            file.append(lines);
            if (failing) {
                failing = false;
                Logger.info("the latency log {} goes on", path);
            }
        } catch (IOException e) {
            if (!failing) {
                failing = true;
                Logger.warn(
                        "the latency log {} has a gap from here on, it cannot be written: {}", path, e.getMessage());
            }
        }
    }

    private byte[] takeInterval() {
        double from = (intervalNanos - startNanos) / NANOS_PER_SECOND;
        intervalNanos = ticker.nanoTime();
        double to = (intervalNanos - startNanos) / NANOS_PER_SECOND;
        ByteArrayOutputStream lines = new ByteArrayOutputStream();
        HistogramLogWriter writer = new HistogramLogWriter(lines);
        reader.take((volume, measure, histogram) -> {
            histogram.setTag(new Tag(volume, measure).toString());
            double ratio = measure.unit() == Unit.NANOS ? NANOS_PER_MILLI : 1;
            writer.outputIntervalHistogram(from, to, histogram, ratio);
        });
        writer.close();
        return lines.toByteArray();
    }

    private byte[] header() {
        ByteArrayOutputStream lines = new ByteArrayOutputStream();
        HistogramLogWriter writer = new HistogramLogWriter(lines);
        writer.outputComment("[fdb-nbd: times are in nanoseconds]");
        writer.outputLogFormatVersion();
        writer.outputBaseTime(startMillis);
        // Of the log, in each of its files: HdrHistogram's own tools leave out what began before.
        writer.outputStartTime(startMillis);
        writer.outputLegend();
        writer.close();
        return lines.toByteArray();
    }

    /** Takes the last interval. */
    @Override
    public void close() throws IOException {
        stopping.countDown();
        if (Threads.joinOrWarn(thread, JOIN_DEADLINE)) {
            writeInterval();
        }
        reader.close();
        file.close();
    }
}
