package io.fdbnbd.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.fdbnbd.Browser;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The status page of a real server in a real browser. */
@Timeout(120)
class StatusPageInBrowserTest {
    /** Longer than a phone is wide, and without a place to break. */
    private static final String LONG = "a-volume-whose-name-is-longer-than-the-screen-of-a-phone-is-wide";

    private static ServerProcess server;
    private static TinyNbdClient disk;
    private static Browser browser;

    @BeforeAll
    static void start(@TempDir Path temp) throws IOException, InterruptedException {
        Browser.require("the status page");
        server = ServerProcess.start(
                "--store",
                "memory:",
                "--listen",
                "127.0.0.1:0",
                "--create",
                "disk:8M",
                "--create",
                LONG + ":1M",
                "--http",
                "127.0.0.1:0");
        disk = new TinyNbdClient(server.address(), "disk");
        disk.write(0, new byte[4096]);
        browser = new Browser(temp);
    }

    @AfterAll
    static void stop() throws IOException {
        if (server != null) {
            browser.close();
            disk.close();
            server.close();
        }
    }

    private static void open(int width) {
        browser.open("http://127.0.0.1:" + server.httpPort() + "/", width);
        browser.await("document.querySelectorAll('canvas').length === 3");
    }

    @AfterEach
    void nothingWasComplainedOf() {
        browser.assertNoComplaints();
    }

    /** The page shows what it was told, which it can show too. */
    @Test
    void itShowsTheDocument() {
        open(Browser.DESK);
        browser.focus("#pause");
        browser.press("Enter");
        JsonObject document = JsonParser.parseString(browser.evaluate("document.getElementById('json').textContent"))
                .getAsJsonObject();
        assertEquals("ready", browser.evaluate("document.getElementById('state').textContent"));
        assertEquals("2", browser.evaluate("document.querySelectorAll('#volumes tbody tr').length"));
        assertEquals(
                "0",
                browser.evaluate("(box => box.scrollWidth - box.clientWidth)(document.querySelector('.wide'))"),
                "columns that a desk does not see");
        JsonObject volume = document.getAsJsonArray("volumes").get(1).getAsJsonObject();
        assertShown("volume", "disk");
        assertShown("IOPS", volume.get("iops").getAsString());
        assertShown("clients", volume.get("connections").getAsString());
        assertShown("buffer", volume.get("buffer_bytes").getAsString());
        assertShown("window", volume.get("commit_window_bytes").getAsString());
        assertShown("epoch", volume.get("epoch").getAsString());
    }

    private static void assertShown(String what, String value) {
        String shown =
                browser.evaluate("document.querySelectorAll('#volumes tbody tr')[1].querySelector('td[data-what=\""
                        + what + "\"]').dataset.value");
        assertTrue(shown.equals(value) || value.equals(shown + ".0"), () -> what + ": " + shown + ", not " + value);
    }

    @ParameterizedTest
    @ValueSource(ints = {Browser.PHONE, Browser.DESK})
    void itNeedsNoMouse(int width) {
        open(width);
        browser.assertEverythingIsReachedByTab();
        browser.focus("#pause");
        browser.press(" ");
        assertEquals("true", browser.evaluate("document.getElementById('pause').getAttribute('aria-pressed')"));
        browser.press("Enter");
        assertEquals("false", browser.evaluate("document.getElementById('pause').getAttribute('aria-pressed')"));
        browser.focus("#volume");
        String before = browser.evaluate("document.getElementById('volume').selectedIndex");
        assertEquals("1", before, "the volume that is attached");
        browser.press("Home");
        browser.await("document.getElementById('volume').selectedIndex === 0");
        browser.focus("summary");
        browser.press("Enter");
        browser.await("document.querySelector('details').open");
        browser.focus(".u-series th[role=button]");
        browser.press(" ");
        assertEquals("false", browser.evaluate("document.activeElement.getAttribute('aria-pressed')"));
        assertEquals("true", browser.evaluate("document.activeElement.parentNode.classList.contains('u-off')"));
        // Also what has been opened.
        browser.assertEverythingIsReachedByTab();
    }

    @Test
    void aPhoneShowsAllOfIt() {
        open(Browser.PHONE);
        assertEquals(0, browser.overflow(), "the page is wider than the screen");
        browser.evaluate("document.querySelector('details').open = true");
        assertEquals(0, browser.overflow(), "the page is wider than the screen");
        assertEquals(
                "0",
                browser.evaluate("[...document.querySelectorAll('#volumes td')].filter("
                        + "one => one.getBoundingClientRect().right > document.documentElement.clientWidth).length"),
                "numbers that are not on the screen");
    }
}
