package io.fdbnbd.metrics.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fdbnbd.Browser;
import io.fdbnbd.metrics.Measure;
import io.fdbnbd.metrics.Tag;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.HdrHistogram.Histogram;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The page as a browser shows it. */
@Timeout(300)
class PageInBrowserTest {
    private static final Tag READ = new Tag("disk", Measure.READ);
    private static final Tag WRITE = new Tag("disk", Measure.WRITE);

    /** Where anything is painted. */
    private static final String PAINTED = "[...document.querySelectorAll('canvas')].map(canvas =>"
            + " canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some("
            + "(byte, i) => i % 4 === 3 && byte > 0)).join()";

    @TempDir
    private static Path temp;

    private static Browser browser;

    @BeforeAll
    static void start() throws IOException, InterruptedException {
        Browser.require("the report page");
        browser = new Browser(Files.createDirectory(temp.resolve("browser")));
    }

    @AfterAll
    static void stop() {
        if (browser != null) {
            browser.close();
        }
    }

    @AfterEach
    void nothingWasComplainedOf() {
        browser.assertNoComplaints();
    }

    private static void open(String html, int width) throws IOException {
        Path page = Files.writeString(temp.resolve("page.html"), html);
        browser.open(page.toUri().toString(), width);
        browser.await(PAINTED + " === 'true,true,true'");
    }

    private static List<Long> numbersOfRow(String dom, String table, String what) {
        Matcher row = Pattern.compile("(?s)id=\"" + table + "\".*?>" + what + "</td>(.*?)</tr>")
                .matcher(dom);
        assertTrue(row.find(), () -> "no row of " + what);
        List<Long> numbers = new ArrayList<>();
        Matcher value = Pattern.compile("data-value=\"(\\d+)\"").matcher(row.group(1));
        while (value.find()) {
            numbers.add(Long.parseLong(value.group(1)));
        }
        return numbers;
    }

    private static List<Long> expected(Histogram sum) {
        List<Long> numbers = new ArrayList<>(List.of(sum.getTotalCount(), Math.round(sum.getMean())));
        for (double percentile : new double[] {50, 90, 99, 99.9, 99.99, 99.999}) {
            numbers.add(sum.getValueAtPercentile(percentile));
        }
        numbers.add(sum.getMaxValue());
        return numbers;
    }

    @Test
    void itDrawsItsChartsAndItsNumbersAreHdrHistograms() throws Exception {
        Path file = temp.resolve("a.hlog");
        SampleLog sample = new SampleLog(file, new Random(7), 20, 10_000, READ, WRITE);
        open(Report.read(List.of(file)).html(), Browser.DESK);
        String dom = browser.dom();
        assertEquals(expected(sample.sum(READ)), numbersOfRow(dom, "requests", "read"));
        assertEquals(expected(sample.sum(WRITE)), numbersOfRow(dom, "requests", "write"));
        browser.focus("#percentiles .plot");
        browser.press("End");
        String atTheEnd = browser.evaluate("document.querySelector('#percentiles output').textContent");
        String most = Numbers.time(sample.sum(READ).getValueAtPercentile(99.999));
        assertTrue(atTheEnd.startsWith("percentile 99.999 %; read " + most), atTheEnd);
    }

    @ParameterizedTest
    @ValueSource(ints = {Browser.PHONE, Browser.DESK})
    void itNeedsNoMouse(int width) throws Exception {
        Path file = temp.resolve("keys.hlog");
        Tag other = new Tag("a-volume-whose-name-is-longer-than-the-screen-of-a-phone-is-wide", Measure.READ);
        new SampleLog(file, new Random(3), 5, 100, READ, WRITE, other);
        open(Report.read(List.of(file)).html(), width);
        assertEquals(0, browser.overflow(), "the page is wider than the screen");
        browser.assertEverythingIsReachedByTab();
        browser.focus("#percentiles .u-series th[role=button]");
        browser.press("Enter");
        assertEquals("false", browser.evaluate("document.activeElement.getAttribute('aria-pressed')"));
        browser.press(" ");
        assertEquals("true", browser.evaluate("document.activeElement.getAttribute('aria-pressed')"));
        browser.focus("#log-latency");
        browser.press(" ");
        assertEquals("false", browser.evaluate("document.activeElement.checked"));
        browser.focus("#throughput-in");
        browser.press("End");
        browser.await("document.activeElement.value === 'bytes'");
    }

    @Test
    void twoRunsAreComparedAndAPhoneShowsThem() throws Exception {
        Path before = temp.resolve("before.hlog");
        Path after = temp.resolve("after.hlog");
        SampleLog first = new SampleLog(before, new Random(1), 5, 100, READ);
        SampleLog second = new SampleLog(after, new Random(2), 9, 200, READ);
        open(Report.read(List.of(before, after)).html(), Browser.PHONE);
        assertEquals(0, browser.overflow(), "the page is wider than the screen");
        String dom = browser.dom();
        assertEquals(expected(first.sum(READ)), numbersOfRow(dom, "requests", "read"));
        assertEquals(
                "2",
                browser.evaluate(
                        "new Set([...document.querySelectorAll('#percentiles .u-series + .u-series .u-marker')].map("
                                + "mark => mark.style.background)).size"),
                "the runs look alike in the legend");
        String rest = dom.substring(dom.indexOf(after + "</td>"));
        assertEquals(expected(second.sum(READ)), numbersOfRow("id=\"requests\"" + rest, "requests", "read"));
    }
}
