package io.fdbnbd.metrics.report;

import io.fdbnbd.metrics.Measure;
import io.fdbnbd.metrics.Measure.Unit;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.HdrHistogram.Histogram;

/** A line for each volume and measure of time, for a terminal. */
final class Summary {
    private static final double BYTES_PER_MEGABYTE = 1e6;

    private Summary() {}

    /** With a line of headings before them. */
    static List<String> lines(Run run) {
        List<List<String>> rows = new ArrayList<>();
        List<String> headings = new ArrayList<>(List.of("volume", "what", "IOPS", "MB/s", "mean"));
        Report.PERCENTILES.forEach(p -> headings.add("p" + p));
        headings.add("max");
        rows.add(headings);
        run.series().stream().filter(one -> one.unit() == Unit.NANOS).forEach(one -> rows.add(row(run, one)));
        return aligned(rows);
    }

    private static List<String> row(Run run, Series series) {
        Histogram all = series.all();
        List<String> row = new ArrayList<>();
        row.add(series.volume());
        row.add(series.name());
        row.add(Numbers.rate(all.getTotalCount(), run.millis()));
        row.add(throughput(run, series));
        row.add(Numbers.time(Math.round(all.getMean())));
        Report.PERCENTILES.forEach(p -> row.add(Numbers.time(all.getValueAtPercentile(Double.parseDouble(p)))));
        row.add(Numbers.time(all.getMaxValue()));
        return row;
    }

    private static String throughput(Run run, Series series) {
        if (series.measure() != Measure.READ && series.measure() != Measure.WRITE) {
            return "";
        }
        Measure bytes = series.measure() == Measure.READ ? Measure.BYTES_OUT : Measure.BYTES_IN;
        long number = run.count(series.volume(), bytes);
        // None in logs of other programs.
        return number == 0 ? "" : String.format(Locale.ROOT, "%.1f", number / BYTES_PER_MEGABYTE * 1e3 / run.millis());
    }

    /** Words to the left, numbers to the right. */
    private static List<String> aligned(List<List<String>> rows) {
        List<StringBuilder> lines = new ArrayList<>();
        rows.forEach(row -> lines.add(new StringBuilder()));
        for (int column = 0; column < rows.getFirst().size(); column++) {
            int index = column;
            int width =
                    rows.stream().mapToInt(row -> row.get(index).length()).max().orElse(0);
            for (int i = 0; i < rows.size(); i++) {
                String cell = rows.get(i).get(column);
                String space = " ".repeat(width - cell.length());
                lines.get(i).append(column == 0 ? "" : "  ").append(column < 2 ? cell + space : space + cell);
            }
        }
        return lines.stream().map(line -> line.toString().stripTrailing()).toList();
    }
}
