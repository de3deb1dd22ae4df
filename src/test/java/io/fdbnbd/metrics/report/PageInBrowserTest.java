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
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The page as a browser shows it. A script that is added to it looks at the charts and presses keys. */
@Timeout(300)
class PageInBrowserTest {
    private static final Tag READ = new Tag("disk", Measure.READ);
    private static final Tag WRITE = new Tag("disk", Measure.WRITE);

    private static final String PROBE = """
            <script>
            {
              const tell = (name, value) => { document.body.dataset[name] = value; };
              const painted = [...document.querySelectorAll('canvas')].map(canvas => {
                const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
                return pixels.some((byte, i) => i % 4 === 3 && byte > 0);
              });
              const press = (node, key) => node.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true}));
              const first = document.querySelector('#percentiles .plot');
              // A timer, which the browser's virtual time waits for; it may end before it has any frame to animate.
              setTimeout(() => {
                tell('painted', painted.join());
                press(first, 'End');
                tell('told', document.querySelector('#percentiles output').textContent);
                const curve = first.querySelectorAll('.u-series th')[1];
                press(curve, 'Enter');
                tell('pressed', curve.getAttribute('aria-pressed'));
                tell('overflow', document.documentElement.scrollWidth - innerWidth);
                tell('probed', 'yes');
              }, 1000);
            }
            </script>
            """;

    @TempDir
    private Path temp;

    @BeforeAll
    static void needsABrowser() {
        Browser.require("the report page");
    }

    /** Returns the document after its scripts have run. */
    private String shown(String html, int width) throws IOException, InterruptedException {
        Path page = Files.writeString(temp.resolve("page.html"), html.replace("</body>", PROBE + "</body>"));
        return Browser.shown(page.toUri().toString(), width, temp);
    }

    private static String told(String dom, String name) {
        Matcher found =
                Pattern.compile("<body[^>]* data-" + name + "=\"([^\"]*)\"").matcher(dom);
        assertTrue(found.find(), () -> "the page does not tell what is " + name);
        return found.group(1);
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
        String dom = shown(Report.read(List.of(file)).html(), 1200);
        assertEquals("true,true,true", told(dom, "painted"));
        assertEquals(expected(sample.sum(READ)), numbersOfRow(dom, "requests", "read"));
        assertEquals(expected(sample.sum(WRITE)), numbersOfRow(dom, "requests", "write"));
        String atTheEnd = told(dom, "told");
        String most = Numbers.time(sample.sum(READ).getValueAtPercentile(99.999));
        assertTrue(atTheEnd.startsWith("percentile 99.999 %; read " + most), atTheEnd);
        assertEquals("false", told(dom, "pressed"), "a curve is not hidden by its key");
    }

    @Test
    void twoRunsAreComparedAndAPhoneShowsThem() throws Exception {
        Path before = temp.resolve("before.hlog");
        Path after = temp.resolve("after.hlog");
        SampleLog first = new SampleLog(before, new Random(1), 5, 100, READ);
        SampleLog second = new SampleLog(after, new Random(2), 9, 200, READ);
        String dom = shown(Report.read(List.of(before, after)).html(), 390);
        assertEquals("true,true,true", told(dom, "painted"));
        assertTrue(Integer.parseInt(told(dom, "overflow")) <= 0, "the page is wider than the screen");
        assertEquals(expected(first.sum(READ)), numbersOfRow(dom, "requests", "read"));
        String rest = dom.substring(dom.indexOf(after + "</td>"));
        assertEquals(expected(second.sum(READ)), numbersOfRow("id=\"requests\"" + rest, "requests", "read"));
    }
}
