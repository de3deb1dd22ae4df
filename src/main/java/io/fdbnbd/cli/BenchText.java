package io.fdbnbd.cli;

import io.fdbnbd.bench.BenchPlan;
import io.fdbnbd.bench.BenchResult;
import io.fdbnbd.util.Printable;
import io.fdbnbd.util.Sizes;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** What {@code fdb-nbd bench} says of a result. */
record BenchText(BenchResult result) {

    /** For standard output. */
    List<String> lines() {
        List<String> lines = new ArrayList<>();
        lines.add(Printable.of(result.start().uri().toString()) + ", "
                + Sizes.format(result.start().export().sizeBytes()) + ": " + load());
        if (result.measured() > 0) {
            lines.add("");
            lines.addAll(result.report().summary());
        }
        return lines;
    }

    private String load() {
        BenchPlan plan = result.start().plan();
        return name(plan)
                + (plan.pattern().reads() && plan.pattern().writes()
                        ? " " + plan.readPercent() + "/" + (100 - plan.readPercent())
                        : "")
                + ", " + Sizes.format(plan.blockBytes())
                + ", depth " + plan.depth()
                + ", " + Text.count(plan.connections(), "connection")
                + (plan.isOpenLoop() ? ", " + String.format(Locale.ROOT, "%,d", plan.rate()) + " a second" : "")
                + (plan.fua() ? ", FUA" : "")
                + (plan.flushEvery() > 0 ? ", a flush every " + Text.count(plan.flushEvery(), "write") : "")
                + ", " + String.format(Locale.ROOT, "%.1f", result.elapsed().toMillis() / 1e3) + " s";
    }

    private static String name(BenchPlan plan) {
        return plan.pattern().name().toLowerCase(Locale.ROOT);
    }

    /** For standard error. */
    List<String> complaints() {
        List<String> lines = new ArrayList<>();
        result.failures().forEach(failure -> lines.add("a connection ended before its time: " + Printable.of(failure)));
        if (!result.errors().isEmpty()) {
            String all = result.errors().entrySet().stream()
                    .map(error -> error.getKey() + " " + Text.count(error.getValue(), "time"))
                    .collect(Collectors.joining(", "));
            lines.add(
                    "the server answered with errors, which are not in the numbers: " + all + "; its log may say more");
        }
        if (result.unanswered() > 0) {
            lines.add(Text.count(result.unanswered(), "request") + " not answered in the end");
        }
        if (result.unsent() > 0) {
            lines.add(Text.count(result.unsent(), "request") + " of the rate never sent, since the server did not keep"
                    + " up: the latencies are those of the others, and would have been longer");
        }
        if (result.measured() == 0 && lines.isEmpty()) {
            lines.add("nothing was measured: it ended before there was an answer");
        }
        return lines;
    }

    Map<String, @Nullable Object> json() {
        BenchPlan plan = result.start().plan();
        Map<String, @Nullable Object> object = new LinkedHashMap<>();
        object.put("uri", result.start().uri().toString());
        object.put("size_bytes", result.start().export().sizeBytes());
        object.put("rw", name(plan));
        object.put("read_percent", plan.readPercent());
        object.put("block_bytes", plan.blockBytes());
        object.put("depth", plan.depth());
        object.put("connections", plan.connections());
        object.put("rate", plan.isOpenLoop() ? plan.rate() : null);
        object.put("fua", plan.fua());
        object.put("flush_every", plan.flushEvery());
        object.put("compressible", plan.compressiblePercent());
        object.put("seed", plan.seed());
        object.put("start", result.start().time().toString());
        object.put("duration_ms", result.elapsed().toMillis());
        object.put("errors", new LinkedHashMap<String, @Nullable Object>(result.errors()));
        object.put("unsent", result.unsent());
        object.put("unanswered", result.unanswered());
        object.put("failures", result.failures());
        object.put("measures", result.report().measures());
        return object;
    }
}
