package io.fdbnbd;

import java.util.Collection;
import java.util.EnumSet;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedDeque;
import org.tinylog.core.LogEntry;
import org.tinylog.core.LogEntryValue;
import org.tinylog.writers.Writer;

/** Keeps the last lines of the log of this process, for tests of what it says. Any thread. */
public final class KeptLinesWriter implements Writer {
    private static final int LINES_MAX = 1000;

    private static final ConcurrentLinkedDeque<String> LINES = new ConcurrentLinkedDeque<>();

    /** Called by tinylog, with the properties of the writer. */
    public KeptLinesWriter(Map<String, String> properties) {}

    /** Whether a line that was logged lately has this in it. */
    public static boolean has(String text) {
        return LINES.stream().anyMatch(line -> line.contains(text));
    }

    public static void forget() {
        LINES.clear();
    }

    @Override
    public Collection<LogEntryValue> getRequiredLogEntryValues() {
        return EnumSet.of(LogEntryValue.MESSAGE);
    }

    @Override
    public void write(LogEntry entry) {
        LINES.add(entry.getMessage());
        if (LINES.size() > LINES_MAX) {
            LINES.poll();
        }
    }

    @Override
    public void flush() {}

    @Override
    public void close() {}
}
