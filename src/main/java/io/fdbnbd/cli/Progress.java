package io.fdbnbd.cli;

import io.fdbnbd.util.Sizes;
import io.fdbnbd.util.Ticker;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Locale;

/**
 * How far something is: on a terminal a bar that is drawn over itself, elsewhere a line every few seconds. One thread.
 */
final class Progress {
    private static final int COLUMNS_DEFAULT = 80;
    private static final int COLUMNS_MAX = 100;
    private static final int BAR_CELLS_MIN = 5;
    private static final Duration LINE_INTERVAL = Duration.ofSeconds(5);

    private final PrintWriter out;
    private final Ticker ticker;
    private final long startNanos;
    private final boolean terminal;
    private final int columns;
    private long lineNanos;
    private int drawn;

    /** @param columns of the terminal, or 0 where there is none */
    Progress(PrintWriter out, Ticker ticker, int columns) {
        this.out = out;
        this.ticker = ticker;
        this.startNanos = ticker.nanoTime();
        this.lineNanos = startNanos;
        this.terminal = columns > 0;
        this.columns = Math.min(columns, COLUMNS_MAX);
    }

    /** As wide as the terminal of this process is, if {@code surroundings} have one. */
    static Progress of(PrintWriter out, Surroundings surroundings) {
        return new Progress(out, Ticker.SYSTEM, surroundings.terminal() ? columns() : 0);
    }

    private static int columns() {
        try {
            Process stty = new ProcessBuilder("stty", "size")
                    .redirectInput(ProcessBuilder.Redirect.INHERIT)
                    .redirectErrorStream(true)
                    .start();
            try (BufferedReader answer =
                    new BufferedReader(new InputStreamReader(stty.getInputStream(), StandardCharsets.US_ASCII))) {
                String line = answer.readLine();
                int columns = line == null ? 0 : Integer.parseInt(line.substring(line.indexOf(' ') + 1));
                return columns > 0 ? columns : COLUMNS_DEFAULT;
            }
        } catch (IOException | NumberFormatException e) {
            return COLUMNS_DEFAULT;
        }
    }

    /** Nanoseconds since the beginning. */
    long elapsedNanos() {
        return ticker.nanoTime() - startNanos;
    }

    /**
     * Shows it, if it is time.
     *
     * @param done the part of all, 0 to 1
     * @param bytes moved so far
     */
    void show(double done, long bytes) {
        show(done, figures(done, bytes));
    }

    /**
     * As {@link #show(double, long)}, with other figures behind the part.
     *
     * @param figures begin with the space that separates them
     */
    void show(double done, String figures) {
        long now = ticker.nanoTime();
        String text = percent(done) + figures;
        if (terminal) {
            draw(bar(done, text));
        } else if (now - lineNanos >= LINE_INTERVAL.toNanos()) {
            lineNanos = now;
            out.println(text);
        }
    }

    /** Removes what was drawn. */
    void end() {
        if (drawn > 0) {
            draw("");
            out.print('\r');
            out.flush();
        }
    }

    private void draw(String line) {
        out.print('\r' + line + " ".repeat(Math.max(0, drawn - line.length())));
        out.flush();
        drawn = line.length();
    }

    private String bar(double done, String text) {
        // The last column stays free: some terminals begin a new line when it is written to.
        int cells = columns - 1 - text.length() - 3;
        if (cells < BAR_CELLS_MIN) {
            return text.substring(0, Math.min(text.length(), columns - 1));
        }
        int full = (int) Math.round(cells * done);
        return "[" + "#".repeat(full) + "-".repeat(cells - full) + "] " + text;
    }

    private static String percent(double done) {
        return String.format(Locale.ROOT, "%3d %%", (int) (100 * done));
    }

    private String figures(double done, long bytes) {
        double seconds = Math.max(1e-3, elapsedNanos() / 1e9);
        String left = done > 0 ? clock(Math.round(seconds / done - seconds)) + " left" : "";
        return String.format(
                        Locale.ROOT,
                        "  %8s  %8s/s  %s",
                        Sizes.format(bytes),
                        Sizes.format((long) (bytes / seconds)),
                        left)
                .stripTrailing();
    }

    private static String clock(long seconds) {
        return seconds < 3600
                ? String.format(Locale.ROOT, "%d:%02d", seconds / 60, seconds % 60)
                : String.format(Locale.ROOT, "%d:%02d h", seconds / 3600, seconds / 60 % 60);
    }
}
