package io.fdbnbd.cli;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** What a load does just now, on a terminal; elsewhere nothing. One thread. */
final class BenchProgress {
    private final @Nullable Progress progress;
    private long nanos;
    private long requests;
    private long bytes;

    /** @param progress null where nothing is to be shown */
    BenchProgress(@Nullable Progress progress) {
        this.progress = progress;
    }

    /** As {@link io.fdbnbd.bench.Bench.Watcher} says. */
    void show(double part, long requestsSoFar, long bytesSoFar) {
        if (progress == null) {
            return;
        }
        long now = progress.elapsedNanos();
        double seconds = Math.max(1e-3, (now - nanos) / 1e9);
        progress.show(
                part,
                String.format(
                        Locale.ROOT,
                        "  %,9.0f IOPS  %,8.1f MB/s",
                        (requestsSoFar - requests) / seconds,
                        (bytesSoFar - bytes) / 1e6 / seconds));
        nanos = now;
        requests = requestsSoFar;
        bytes = bytesSoFar;
    }

    void end() {
        if (progress != null) {
            progress.end();
        }
    }
}
