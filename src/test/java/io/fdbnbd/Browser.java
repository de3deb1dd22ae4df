package io.fdbnbd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.abort;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A real browser, without a window. */
public final class Browser {
    private static final List<Path> BROWSERS = List.of(Path.of("/usr/bin/chromium"), Path.of("/usr/bin/google-chrome"));
    private static final int DEADLINE_SECONDS = 120;

    private Browser() {}

    /** Skips the test, with a line that says so, where there is none. */
    public static void require(String what) {
        if (BROWSERS.stream().noneMatch(Files::isExecutable)) {
            System.out.println("chromium is not installed: " + what + " is not looked at in a browser");
            abort("no browser");
        }
    }

    /** Returns the document after its scripts have run; fails if anything was said on the console. */
    public static String shown(String url, int width, Path temp) throws IOException, InterruptedException {
        Path dom = temp.resolve("dom");
        Path console = temp.resolve("console");
        String browser = BROWSERS.stream()
                .filter(Files::isExecutable)
                .findFirst()
                .orElseThrow()
                .toString();
        Process process = new ProcessBuilder(
                        browser,
                        "--headless",
                        "--no-sandbox",
                        "--disable-gpu",
                        "--disable-quic",
                        "--no-first-run",
                        "--disable-background-networking",
                        "--disable-component-update",
                        "--disable-sync",
                        "--user-data-dir=" + temp.resolve("profile"),
                        "--window-size=" + width + ",1200",
                        "--virtual-time-budget=5000",
                        "--enable-logging=stderr",
                        "--dump-dom",
                        url)
                .redirectOutput(dom.toFile())
                .redirectError(console.toFile())
                .start();
        try {
            assertTrue(process.waitFor(DEADLINE_SECONDS, TimeUnit.SECONDS), "the browser has not ended");
        } finally {
            process.destroyForcibly().waitFor();
        }
        List<String> said = Files.readString(console, StandardCharsets.UTF_8)
                .lines()
                .filter(line -> line.contains("CONSOLE"))
                .toList();
        assertEquals(List.of(), said);
        return Files.readString(dom);
    }
}
