package io.fdbnbd.cli;

import io.fdbnbd.util.Json;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.tinylog.core.LogEntry;
import org.tinylog.core.LogEntryValue;
import org.tinylog.writers.Writer;

/**
 * Logs to standard error, an object of JSON a line: {@code time} (ISO 8601, UTC), {@code level}, {@code thread},
 * {@code class}, {@code message} and, if there is one, {@code exception} with its stack trace. Tinylog's own writer of
 * JSON writes to files only. Any thread; {@code lock} keeps lines whole.
 */
public final class JsonLogWriter implements Writer {
    /** What tinylog derives from the name of this class. */
    static final String NAME = "json log";

    private final ReentrantLock lock = new ReentrantLock();

    // Without a buffer: a line is in the hands of the operating system when it was written.
    private final FileOutputStream out = new FileOutputStream(FileDescriptor.err);

    /** Called by tinylog, with the properties of the writer. */
    public JsonLogWriter(Map<String, String> properties) {}

    @Override
    public Collection<LogEntryValue> getRequiredLogEntryValues() {
        return EnumSet.of(
                LogEntryValue.DATE,
                LogEntryValue.LEVEL,
                LogEntryValue.THREAD,
                LogEntryValue.CLASS,
                LogEntryValue.MESSAGE,
                LogEntryValue.EXCEPTION);
    }

    @Override
    public void write(LogEntry entry) throws IOException {
        byte[] line = (line(entry) + "\n").getBytes(StandardCharsets.UTF_8);
        lock.lock();
        try {
            out.write(line);
        } finally {
            lock.unlock();
        }
    }

    static String line(LogEntry entry) {
        Map<String, @Nullable Object> object = new LinkedHashMap<>();
        object.put("time", entry.getTimestamp().toInstant().toString());
        object.put("level", entry.getLevel().name().toLowerCase(Locale.ROOT));
        object.put("thread", entry.getThread().getName());
        object.put("class", entry.getClassName());
        object.put("message", entry.getMessage());
        Throwable exception = entry.getException();
        if (exception != null) {
            StringWriter trace = new StringWriter();
            exception.printStackTrace(new PrintWriter(trace));
            object.put("exception", trace.toString());
        }
        return Json.compact(object);
    }

    @Override
    public void flush() {}

    /** Leaves standard error open: it is the process's. */
    @Override
    public void close() {}
}
