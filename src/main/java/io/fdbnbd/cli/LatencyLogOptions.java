package io.fdbnbd.cli;

import io.fdbnbd.metrics.LatencyLog;
import io.fdbnbd.metrics.Metrics;
import io.fdbnbd.util.Closer;
import io.fdbnbd.util.Ticker;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options of a latency log, of whatever measures. */
final class LatencyLogOptions {

    @Option(
            names = "--latency-log",
            paramLabel = "FILE",
            description = "Write latencies and what else is measured to this file, as an interval log of HdrHistogram;"
                    + " what was there is kept as FILE.1. To see it: fdb-nbd report FILE -o report.html")
    private @Nullable Path file;

    @Option(
            names = "--interval",
            paramLabel = "TIME",
            converter = Converters.Interval.class,
            description = "How much of the latency log goes into one entry, like 500ms or 1m. Default: 1s.")
    private Duration interval = Duration.ofSeconds(1);

    boolean isWanted() {
        return file != null;
    }

    /** Starts the log, if it is wanted, which ends with the parts. */
    void start(Metrics metrics, Ticker ticker, Closer parts) throws IOException {
        if (file != null) {
            parts.register(LatencyLog.start(file, interval, metrics, ticker, InstantSource.system()));
        }
    }
}
