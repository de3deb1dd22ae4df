package io.fdbnbd.metrics.report;

import io.fdbnbd.metrics.Measure;
import io.fdbnbd.metrics.Measure.Unit;
import io.fdbnbd.util.Json;
import io.fdbnbd.util.Resources;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.LongStream;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;

/** Puts a report page together: the template with its parts, the tables, and the data that the page's script draws. */
final class Page {
    private static final Pattern PLACE = Pattern.compile("\\{\\{([a-z-]+)}}");

    /** Points of a percentile curve for each tenth that is left: its axis is 1 / (1 - quantile), from 1 to 100,000. */
    private static final int POINTS_PER_DECADE = 20;

    private static final int DECADES = 5;

    private final List<Run> runs;
    private final List<Double> rarities = new ArrayList<>();

    Page(List<Run> runs) {
        this.runs = runs;
        for (int i = 0; i <= DECADES * POINTS_PER_DECADE; i++) {
            rarities.add(Math.pow(10, (double) i / POINTS_PER_DECADE));
        }
    }

    String html() {
        Map<String, String> parts = Map.of(
                "license", Resources.uplot("LICENSE"),
                "library-style", Resources.uplot("dist/uPlot.min.css"),
                "library", Resources.uplot("dist/uPlot.iife.min.js"),
                "style", Resources.text(Page.class, "report.css"),
                "script", Resources.charts() + "\n" + Resources.text(Page.class, "report.js"),
                "runs", runLines(),
                "tables", tables(),
                "data", data());
        return PLACE.matcher(Resources.text(Page.class, "report.html"))
                .replaceAll(place -> Matcher.quoteReplacement(parts.getOrDefault(place.group(1), "")));
    }

    // ---- what can be read without a script

    private String runLines() {
        StringBuilder out = new StringBuilder();
        for (Run run : runs) {
            out.append("<p><b>").append(escaped(run.name())).append("</b>: ");
            out.append(run.millis() / 1000.0).append(" s from ").append(Instant.ofEpochMilli(run.startMillis()));
            out.append("; a column is ").append(run.slotMillis() / 1000.0).append(" s</p>\n");
        }
        return out.toString();
    }

    private String tables() {
        return valueTable("Requests", "requests", series -> series.unit() == Unit.NANOS && series.isCommand())
                + valueTable(
                        "Stages of requests", "stages", series -> series.unit() == Unit.NANOS && !series.isCommand())
                + valueTable("Sizes", "sizes", series -> series.unit() == Unit.BYTES || series.unit() == Unit.BLOCKS)
                + countTable();
    }

    private String valueTable(String title, String id, Predicate<Series> wanted) {
        StringBuilder out = beginTable(title, id);
        out.append("<th>number<th>a second<th>mean");
        Report.PERCENTILES.forEach(p -> out.append("<th>").append(p).append(" %"));
        out.append("<th>largest</tr></thead>\n<tbody>\n");
        boolean empty = true;
        for (Run run : runs) {
            for (Series series : run.series()) {
                if (wanted.test(series)) {
                    empty = false;
                    valueRow(run, series, out);
                }
            }
        }
        return empty ? "" : out.append("</tbody></table></div></section>\n").toString();
    }

    private StringBuilder beginTable(String title, String id) {
        StringBuilder out = new StringBuilder();
        out.append("<section><h2>").append(title).append("</h2>\n<div class=\"wide\" tabindex=\"0\" role=\"region\"");
        out.append(" aria-label=\"")
                .append(title)
                .append("\"><table class=\"numbers\" id=\"")
                .append(id);
        out.append("\"><thead><tr>").append(runs.size() > 1 ? "<th class=\"word\">run" : "");
        return out.append("<th class=\"word\">volume<th class=\"word\">what");
    }

    private void beginRow(Run run, String volume, String what, StringBuilder out) {
        out.append("<tr>");
        if (runs.size() > 1) {
            out.append("<td class=\"word\">").append(escaped(run.name()));
        }
        out.append("<td class=\"word\">").append(escaped(volume));
        out.append("<td class=\"word\">").append(escaped(what));
    }

    private void valueRow(Run run, Series series, StringBuilder out) {
        Histogram all = series.all();
        beginRow(run, series.volume(), series.name(), out);
        out.append("<td data-value=\"").append(all.getTotalCount()).append("\">");
        out.append(Numbers.grouped(all.getTotalCount()));
        out.append("<td>").append(Numbers.rate(all.getTotalCount(), run.millis()));
        cell(Math.round(all.getMean()), series.unit(), out);
        for (String p : Report.PERCENTILES) {
            cell(all.getValueAtPercentile(Double.parseDouble(p)), series.unit(), out);
        }
        cell(all.getMaxValue(), series.unit(), out);
        out.append("</tr>\n");
    }

    private static void cell(long value, Unit unit, StringBuilder out) {
        out.append("<td data-value=\"").append(value).append("\">");
        out.append(unit == Unit.NANOS ? Numbers.time(value) : Numbers.grouped(value));
    }

    private String countTable() {
        StringBuilder out = beginTable("Counts", "counts");
        out.append("<th>number<th>a second</tr></thead>\n<tbody>\n");
        boolean empty = true;
        for (Run run : runs) {
            for (Series series : run.series()) {
                if (series.unit() == Unit.COUNT) {
                    empty = false;
                    long number = series.all().getTotalCount();
                    beginRow(run, series.volume(), series.name(), out);
                    out.append("<td data-value=\"").append(number).append("\">").append(Numbers.grouped(number));
                    out.append("<td>")
                            .append(Numbers.rate(number, run.millis()))
                            .append("</tr>\n");
                }
                if (series.measure() == Measure.BLOCKS_COMMITTED) {
                    beginRow(run, series.volume(), "written for each committed", out);
                    long written = run.count(series.volume(), Measure.BLOCKS_WRITTEN);
                    out.append("<td>")
                            .append(Numbers.ratio(written, series.all().getTotalCount()));
                    out.append("<td></tr>\n");
                }
            }
        }
        return empty ? "" : out.append("</tbody></table></div></section>\n").toString();
    }

    private static String escaped(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;").replace("\"", "&quot;");
    }

    // ---- what the script draws

    private String data() {
        List<Object> all = new ArrayList<>();
        for (Run run : runs) {
            List<Object> series = new ArrayList<>();
            run.series().stream()
                    .filter(one -> one.unit() == Unit.NANOS || one.unit() == Unit.COUNT)
                    .forEach(one -> series.add(data(one)));
            Map<String, Object> object = new LinkedHashMap<>();
            object.put("name", run.name());
            object.put("millis", run.millis());
            object.put("slotMillis", run.slotMillis());
            object.put("series", series);
            all.add(object);
        }
        Map<String, Object> page = new LinkedHashMap<>();
        page.put("rowsPerDoubling", Series.ROWS_PER_DOUBLING);
        page.put("xs", rarities);
        page.put("runs", all);
        // No name may end the script element.
        return Json.compact(page).replace("<", "\\u003c");
    }

    private Map<String, Object> data(Series series) {
        Map<String, Object> object = new LinkedHashMap<>();
        object.put("volume", series.volume());
        object.put("name", series.name());
        object.put("command", series.isCommand());
        object.put("counts", LongStream.of(series.counts()).boxed().toList());
        if (series.unit() == Unit.NANOS) {
            object.put("percentiles", curve(series.all()));
            object.put("heat", series.heat());
        }
        return object;
    }

    /** Ends with the rarity of one value among all: beyond it HdrHistogram only repeats the largest. */
    private List<@Nullable Object> curve(Histogram all) {
        List<@Nullable Object> values = new ArrayList<>();
        for (double rarity : rarities) {
            values.add(rarity > all.getTotalCount() ? null : all.getValueAtPercentile(100 - 100 / rarity));
        }
        return values;
    }
}
