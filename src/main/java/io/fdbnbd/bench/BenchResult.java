package io.fdbnbd.bench;

import io.fdbnbd.client.NbdUri;
import io.fdbnbd.client.RemoteExport;
import io.fdbnbd.metrics.Measure;
import io.fdbnbd.metrics.report.Report;
import io.fdbnbd.nbd.Nbd;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.HdrHistogram.Histogram;

/**
 * What came of a run.
 *
 * @param elapsed what was measured took, from the end of the warm-up
 * @param errors the protocol's names of errors, and how many requests were answered with them, also in the warm-up
 * @param unsent requests that were due and never sent, for the server had not answered enough of those before
 * @param unanswered requests that were sent and not answered in the end
 * @param failures of connections that ended before their time, why
 */
public record BenchResult(
        Start start,
        Duration elapsed,
        Report report,
        long measured,
        Map<String, Long> errors,
        long unsent,
        long unanswered,
        List<String> failures) {

    /** What is known at the start. */
    public record Start(NbdUri uri, RemoteExport export, BenchPlan plan, Instant time) {

        /** What the values go by in logs and reports. */
        public String volume() {
            return volume(uri);
        }

        /** As {@link #volume()}, before there is a start. */
        public static String volume(NbdUri uri) {
            return uri.export().isEmpty() ? "default" : uri.export();
        }
    }

    static BenchResult of(Start start, Lane.Setting setting, List<Lane> lanes) {
        BenchPlan plan = start.plan();
        Tally all = new Tally(plan.blockBytes(), setting.meter(), setting.measuredFromNanos());
        lanes.forEach(lane -> all.add(lane.tally()));
        long from = setting.measuredFromNanos();
        // Stopped early, it ends with the last reply.
        long end = Math.max(
                all.lastNanos() - from,
                Math.min(setting.endNanos(), setting.clock().nanoTime()) - from);
        Duration elapsed = Duration.ofNanos(Math.max(1, end));
        Map<String, Long> errors = new TreeMap<>();
        all.errors().forEach((error, count) -> errors.put(Nbd.errorName(error), count));
        return new BenchResult(
                start,
                elapsed,
                report(start, elapsed, all),
                all.responses().values().stream()
                        .mapToLong(Histogram::getTotalCount)
                        .sum(),
                errors,
                lanes.stream().mapToLong(Lane::unsent).sum(),
                lanes.stream().mapToLong(Lane::unanswered).sum(),
                lanes.stream()
                        .map(Lane::failure)
                        .filter(Objects::nonNull)
                        .map(BenchResult::sentence)
                        .distinct()
                        .toList());
    }

    private static String sentence(Throwable failure) {
        return Objects.requireNonNullElse(failure.getMessage(), failure.toString());
    }

    private static Report report(Start start, Duration elapsed, Tally all) {
        BenchPlan plan = start.plan();
        List<Report.Values> values = new ArrayList<>();
        all.responses()
                .forEach((measure, histogram) -> values.add(Report.Values.of(start.volume(), measure, histogram)));
        all.responses().forEach((measure, histogram) -> {
            if (measure != Measure.FLUSH) {
                Measure bytes = measure == Measure.READ ? Measure.BYTES_OUT : Measure.BYTES_IN;
                values.add(Report.Values.count(start.volume(), bytes, histogram.getTotalCount() * plan.blockBytes()));
            }
        });
        if (plan.isOpenLoop()) {
            all.services()
                    .forEach((measure, histogram) -> values.add(
                            Report.Values.of(start.volume(), measure, histogram).named("since sent")));
        }
        return Report.of(start.uri().toString(), start.time(), elapsed, values);
    }

    /** Whether everything that was asked of the server was done. */
    public boolean isGood() {
        return errors.isEmpty() && unanswered == 0 && failures.isEmpty() && measured > 0;
    }
}
