package io.fdbnbd.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import io.fdbnbd.util.Printable;
import io.fdbnbd.util.Sizes;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.DoubleFunction;
import org.jspecify.annotations.Nullable;

/** A status document as lines of text. */
record TopStatus(JsonObject document) {
    private static final MathContext DIGITS = new MathContext(3);
    private static final String NOTHING = "-";
    private static final String DETACHED = "detached";
    private static final double BYTES_PER_MEGABYTE = 1e6;
    private static final double GROUPED_FROM = 1000;

    private static final List<String> COLUMNS = List.of(
            "VOLUME",
            "STATE",
            "IOPS",
            "READ MB/s",
            "WRITE MB/s",
            "R p50",
            "R p99",
            "R p99.9",
            "W p50",
            "W p99",
            "W p99.9",
            "BUFFER",
            "WINDOW",
            "CLIENTS",
            "OWNER");

    /** Columns from the least to the most needed: on a narrow terminal these go first. */
    private static final int[] DISPENSABLE = {12, 14, 13, 5, 8, 7, 10, 11, 6, 9, 3, 4, 1};

    private static final int NUMBERS_FROM = 2;
    private static final String GAP = "  ";

    /** Empty if it is none: of what anybody may have sent, no more than that is relied upon. */
    static Optional<TopStatus> of(JsonElement tree) {
        boolean is = tree instanceof JsonObject object
                && object.get("ready") instanceof JsonPrimitive
                && primitives(object.get("obstacles"))
                && object.get("volumes") instanceof JsonArray volumes
                && volumes.asList().stream().allMatch(JsonObject.class::isInstance);
        return is ? Optional.of(new TopStatus(tree.getAsJsonObject())) : Optional.empty();
    }

    private static boolean primitives(@Nullable JsonElement tree) {
        return tree instanceof JsonArray array && array.asList().stream().allMatch(JsonPrimitive.class::isInstance);
    }

    /** What is above the table. */
    List<String> head() {
        List<String> lines = new ArrayList<>();
        lines.add(text(document, "server") + ", version " + text(document, "version") + ", up "
                + number(document, "uptime_seconds") + " s");
        String ready = document.get("ready").getAsBoolean() ? "ready" : "NOT READY";
        lines.add(text(document, "store") + ", " + connections() + ", " + ready);
        document.getAsJsonArray("obstacles")
                .forEach(obstacle -> lines.add("! " + Printable.of(obstacle.getAsString())));
        return lines;
    }

    /** The volumes, with as many columns as fit; those that nobody has attached are last, where a screen may end. */
    List<String> table(int columnsMax) {
        List<List<String>> rows = new ArrayList<>();
        rows.add(COLUMNS);
        document.getAsJsonArray("volumes").asList().stream()
                .map(JsonElement::getAsJsonObject)
                .sorted(Comparator.comparing(TopStatus::isDetached))
                .map(TopStatus::row)
                .forEach(rows::add);
        boolean[] shown = new boolean[COLUMNS.size()];
        Arrays.fill(shown, true);
        for (int column : DISPENSABLE) {
            if (width(rows, shown) <= columnsMax) {
                break;
            }
            shown[column] = false;
        }
        return rows.stream().map(row -> line(row, rows, shown)).toList();
    }

    private static boolean isDetached(JsonObject volume) {
        return text(volume, "state").equals(DETACHED);
    }

    private static int width(List<List<String>> rows, boolean[] shown) {
        int width = -GAP.length();
        for (int column = 0; column < shown.length; column++) {
            width += shown[column] ? width(rows, column) + GAP.length() : 0;
        }
        return width;
    }

    private static int width(List<List<String>> rows, int column) {
        return rows.stream().mapToInt(row -> Text.width(row.get(column))).max().orElse(0);
    }

    private static String line(List<String> row, List<List<String>> rows, boolean[] shown) {
        StringBuilder line = new StringBuilder();
        for (int column = 0; column < shown.length; column++) {
            if (shown[column]) {
                String cell = row.get(column);
                String fill = " ".repeat(width(rows, column) - Text.width(cell));
                boolean right = column >= NUMBERS_FROM && column < COLUMNS.size() - 1;
                line.append(line.isEmpty() ? "" : GAP).append(right ? fill + cell : cell + fill);
            }
        }
        return line.toString().stripTrailing();
    }

    private static List<String> row(JsonObject volume) {
        List<String> row = new ArrayList<>();
        row.add(text(volume, "name"));
        row.add(text(volume, "state"));
        row.add(number(volume, "iops"));
        row.add(megabytes(volume, "read_bytes_per_second"));
        row.add(megabytes(volume, "written_bytes_per_second"));
        for (String command : List.of("read", "write")) {
            for (String percentile : List.of("p50_ns", "p99_ns", "p99.9_ns")) {
                row.add(latency(volume, command, percentile));
            }
        }
        row.add(size(volume, "buffer_bytes"));
        row.add(size(volume, "commit_window_bytes"));
        row.add(number(volume, "connections"));
        row.add(written(volume, "epoch", epoch -> "this server, epoch " + number(volume, "epoch")));
        return row;
    }

    private String connections() {
        Double count = value(document, "connections");
        return count == null ? NOTHING : Text.count(count.longValue(), "connection");
    }

    private static String text(JsonObject object, String name) {
        return object.get(name) instanceof JsonPrimitive text ? Printable.of(text.getAsString()) : NOTHING;
    }

    private static @Nullable Double value(JsonObject object, String name) {
        return object.get(name) instanceof JsonPrimitive number && number.isNumber() ? number.getAsDouble() : null;
    }

    private static String written(JsonObject object, String name, DoubleFunction<String> how) {
        Double value = value(object, name);
        return value == null ? NOTHING : how.apply(value);
    }

    private static String number(JsonObject object, String name) {
        return written(
                object,
                name,
                number -> number >= GROUPED_FROM
                        ? String.format(Locale.ROOT, "%,d", Math.round(number))
                        : rounded(number));
    }

    private static String megabytes(JsonObject object, String name) {
        return written(object, name, bytes -> rounded(bytes / BYTES_PER_MEGABYTE));
    }

    private static String size(JsonObject object, String name) {
        return written(object, name, bytes -> Sizes.format((long) bytes));
    }

    private static String latency(JsonObject volume, String command, String percentile) {
        return volume.get("commands") instanceof JsonObject commands
                        && commands.get(command) instanceof JsonObject latencies
                ? written(latencies, percentile, nanos -> time((long) nanos))
                : NOTHING;
    }

    private static String time(long nanos) {
        if (nanos >= 1_000_000_000) {
            return rounded(nanos / 1e9) + " s";
        }
        return nanos >= 1_000_000 ? rounded(nanos / 1e6) + " ms" : rounded(nanos / 1e3) + " µs";
    }

    private static String rounded(double number) {
        return new BigDecimal(number).round(DIGITS).stripTrailingZeros().toPlainString();
    }
}
