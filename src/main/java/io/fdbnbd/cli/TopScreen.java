package io.fdbnbd.cli;

import io.fdbnbd.util.Ticker;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jline.terminal.Attributes;
import org.jline.terminal.Size;
import org.jline.terminal.Terminal;
import org.jline.terminal.TerminalBuilder;
import org.jline.utils.AttributedString;
import org.jline.utils.AttributedStyle;
import org.jline.utils.Display;
import org.jline.utils.InfoCmp.Capability;
import org.jline.utils.NonBlockingReader;

/**
 * {@code top} on a whole terminal, until q, Ctrl-C or the end of the input. What was on the terminal before is there
 * again afterwards, also after a SIGTERM. One thread, the caller's; the display sends only lines that changed.
 */
final class TopScreen implements AutoCloseable {
    private static final long REFRESH_NANOS = TimeUnit.SECONDS.toNanos(1);

    /** How long a key, or a new size of the terminal, may wait. */
    private static final long LOOK_MILLIS = 100;

    private final TopSource source;
    private final Terminal terminal;
    private final Attributes before;
    private final Display display;
    private final CountDownLatch interrupted = new CountDownLatch(1);
    private final Thread onExit = new Thread(this::restore, "top-restore");

    private List<String> head = List.of("asking the server ...");
    private List<String> table = List.of();
    private Size size;

    // What the last answer was, for a table of another width.
    private String document = "";

    TopScreen(TopSource source) throws IOException {
        this.source = source;
        this.terminal = TerminalBuilder.builder()
                .name("fdb-nbd")
                .system(true)
                .dumb(false)
                .build();
        this.before = terminal.enterRawMode();
        this.size = terminal.getSize();
        this.display = new Display(terminal, true);
        terminal.handle(Terminal.Signal.INT, signal -> interrupted.countDown());
        Runtime.getRuntime().addShutdownHook(onExit);
        terminal.puts(Capability.enter_ca_mode);
        terminal.puts(Capability.cursor_invisible);
        terminal.flush();
    }

    /** Shows, once a second, what the server says. */
    void run() throws IOException, InterruptedException {
        draw();
        long next = Ticker.SYSTEM.nanoTime();
        while (interrupted.getCount() > 0) {
            if (Ticker.SYSTEM.nanoTime() - next >= 0) {
                ask();
                draw();
                next = Ticker.SYSTEM.nanoTime() + REFRESH_NANOS;
            }
            int key = terminal.reader().read(LOOK_MILLIS);
            if (key == 'q' || key == 'Q' || key == NonBlockingReader.EOF) {
                return;
            }
            if (!terminal.getSize().equals(size)) {
                // Lines that were too long for it may have wrapped.
                display.clear();
                terminal.puts(Capability.clear_screen);
                draw();
            }
        }
    }

    private void ask() throws InterruptedException {
        try {
            String answer = source.document();
            head = TopSource.parse(answer).head();
            document = answer;
        } catch (IOException e) {
            // A server that is started again is seen again.
            head = List.of("! " + Failures.sentence(e));
            document = "";
        }
    }

    private void draw() throws IOException {
        size = terminal.getSize();
        table = document.isEmpty() ? List.of() : TopSource.parse(document).table(size.getColumns());
        List<AttributedString> lines = new ArrayList<>();
        head.forEach(line -> lines.add(cut(line, AttributedStyle.DEFAULT)));
        lines.add(AttributedString.EMPTY);
        for (int i = 0; i < table.size(); i++) {
            lines.add(cut(table.get(i), i == 0 ? AttributedStyle.INVERSE : AttributedStyle.DEFAULT));
        }
        int room = Math.max(1, size.getRows() - 1);
        int hidden = lines.size() - room;
        if (hidden > 0) {
            lines.subList(room - 1, lines.size()).clear();
            lines.add(cut("... and " + (hidden + 1) + " more lines", AttributedStyle.DEFAULT.faint()));
        }
        while (lines.size() < room) {
            lines.add(AttributedString.EMPTY);
        }
        lines.add(cut("q quits; rates of the last second, latencies of the last ten", AttributedStyle.DEFAULT.faint()));
        display.resize(size);
        display.update(lines, -1);
    }

    private AttributedString cut(String line, AttributedStyle style) {
        return new AttributedString(line, style).columnSubSequence(0, Math.max(1, size.getColumns()));
    }

    private void restore() {
        terminal.puts(Capability.exit_ca_mode);
        terminal.puts(Capability.cursor_normal);
        terminal.setAttributes(before);
        terminal.flush();
    }

    @Override
    public void close() throws IOException {
        try {
            Runtime.getRuntime().removeShutdownHook(onExit);
            restore();
        } catch (IllegalStateException e) {
            // The process is ending, and the hook restores.
            head = List.of();
        }
        terminal.close();
    }
}
