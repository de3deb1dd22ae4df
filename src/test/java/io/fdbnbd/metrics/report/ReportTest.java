package io.fdbnbd.metrics.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fdbnbd.metrics.Measure;
import io.fdbnbd.metrics.Tag;
import io.fdbnbd.util.Json;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.HdrHistogram.Histogram;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReportTest {
    private static final Tag READ = new Tag("disk", Measure.READ);

    @TempDir
    private Path temp;

    private SampleLog sample(Path file, int seconds, int values, Tag... tags) throws IOException {
        return new SampleLog(file, new Random(7), seconds, values, tags);
    }

    @Test
    void theTextIsHdrHistogramsOwnTable() throws IOException {
        Path file = temp.resolve("a.hlog");
        Histogram sum = sample(file, 3, 1000, READ).sum(READ);
        ByteArrayOutputStream expected = new ByteArrayOutputStream();
        sum.outputPercentileDistribution(new PrintStream(expected, true, StandardCharsets.UTF_8), 1000.0);
        assertEquals(
                "# " + file + ": disk read, microseconds\n" + expected.toString(StandardCharsets.UTF_8) + "\n",
                Report.read(List.of(file)).percentiles());
    }

    @Test
    void theJsonHasHdrHistogramsNumbers() throws IOException {
        Path file = temp.resolve("a.hlog");
        Histogram sum = sample(file, 3, 1000, READ).sum(READ);
        String json = Json.compact(Report.read(List.of(file)).json());
        assertTrue(json.contains("\"count\": 3000,\"unit\": \"ns\",\"min\": " + sum.getMinValue()), json);
        assertTrue(json.contains("\"99.9\": " + sum.getValueAtPercentile(99.9) + ","), json);
        assertTrue(json.contains("\"start\": \"2026-01-31T12:00:00Z\",\"duration_ms\": 3000"), json);
    }

    @Test
    void everyValueIsInASlotAndInARowOfTheHeatMap() throws IOException {
        Path file = temp.resolve("long.hlog");
        sample(file, 3 * Run.SLOTS_MAX + 1, 10, READ);
        Run run = Run.read(file);
        Series series = run.series().iterator().next();
        assertEquals(4000, run.slotMillis());
        assertEquals(
                series.all().getTotalCount(), Arrays.stream(series.counts()).sum());
        long inHeat = 0;
        for (int i = 2; i < series.heat().size(); i += 3) {
            inHeat += series.heat().get(i);
        }
        assertEquals(series.all().getTotalCount(), inHeat);
        assertEquals(40, series.counts()[0]);
    }

    @Test
    void aLineThatWasCutOffIsLeftOut() throws IOException {
        Path file = temp.resolve("cut.hlog");
        sample(file, 3, 1000, READ);
        String whole = Files.readString(file);
        Files.writeString(file, whole.substring(0, whole.length() - 50));
        assertEquals(2000, Run.read(file).series().iterator().next().all().getTotalCount());
    }

    @Test
    void whatIsNoLogIsNamed() throws IOException {
        Path empty = Files.writeString(temp.resolve("empty"), "");
        Path other = Files.writeString(temp.resolve("other"), "some text\nand more, of it, yes, or no\n");
        for (Path file : List.of(empty, other)) {
            IOException failure = assertThrows(IOException.class, () -> Report.read(List.of(file)));
            assertTrue(failure.getMessage() != null && failure.getMessage().startsWith(file + " "), failure::toString);
        }
    }

    @Test
    void aNameIsTextInThePageAndNothingElse() throws IOException {
        Path file = temp.resolve("a.hlog");
        sample(file, 1, 10, new Tag("</script><b id=\"x\">&", Measure.READ));
        String html = Report.read(List.of(file)).html();
        assertFalse(html.contains("</script><b"), "a name ended the script");
        assertTrue(html.contains("&lt;/script>&lt;b id=&quot;x&quot;>&amp;"), "no row of that name");
    }

    @Test
    void thePageNeedsNothingElse() throws IOException {
        Path file = temp.resolve("a.hlog");
        sample(file, 1, 10, READ);
        String html = Report.read(List.of(file)).html();
        assertFalse(html.contains("{{"), "a part is missing");
        assertFalse(html.matches("(?s).*(src|href)=\"(?!data:).*"), "it refers to something");
        assertTrue(html.contains("Permission is hereby granted"), "the licence of the charts is missing");
    }
}
