package io.fdbnbd.cli;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fdbnbd.server.ListenAddress;
import io.fdbnbd.util.JavaCommand;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** {@code fdb-nbd serve} as a process of its own, which does not outlive the test. */
final class ServerProcess implements AutoCloseable {
    private static final Pattern READY = Pattern.compile("serving .* at (\\S+?)(, \\S+)*, --ack");

    private static final Pattern HTTP = Pattern.compile("at http://127\\.0\\.0\\.1:(\\d+)");

    private final Process process;
    private final BufferedReader err;
    private final List<String> log = new ArrayList<>();

    /** The first that it listens at. */
    private final ListenAddress address;

    private ServerProcess(Process process) throws IOException {
        this.process = process;
        this.err = process.errorReader(StandardCharsets.UTF_8);
        this.address = awaitReady();
    }

    /** Returns when it serves. */
    static ServerProcess start(String... arguments) throws IOException {
        List<String> command = JavaCommand.of(Main.class, "-Xmx256m", "-XX:TieredStopAtLevel=1");
        command.add("serve");
        command.addAll(List.of(arguments));
        Process process = new ProcessBuilder(command).start();
        try {
            return new ServerProcess(process);
        } catch (IOException | RuntimeException | Error e) {
            process.destroyForcibly();
            throw e;
        }
    }

    private ListenAddress awaitReady() throws IOException {
        for (String line = err.readLine(); line != null; line = err.readLine()) {
            log.add(line);
            Matcher ready = READY.matcher(line);
            if (ready.find()) {
                return ListenAddress.parse(ready.group(1));
            }
        }
        throw new IllegalStateException("the server has not started: " + log);
    }

    ListenAddress address() {
        return address;
    }

    /** Where it answers over HTTP, on 127.0.0.1. */
    int httpPort() {
        Matcher http = HTTP.matcher(log());
        assertTrue(http.find(), this::log);
        return Integer.parseInt(http.group(1));
    }

    long pid() {
        return process.pid();
    }

    /** Sends a signal by its name. */
    void signal(String name) throws IOException, InterruptedException {
        Process kill = new ProcessBuilder("kill", "-" + name, String.valueOf(pid())).start();
        assertTrue(kill.waitFor() == 0, "kill");
    }

    /** Whether the process was born deaf to SIGINT, as all are that a shell without job control puts in background. */
    boolean ignoresInterrupt() throws IOException {
        Path status = Path.of("/proc", String.valueOf(pid()), "status");
        if (!Files.exists(status)) {
            return false;
        }
        long ignored = Files.readAllLines(status).stream()
                .filter(line -> line.startsWith("SigIgn:"))
                .mapToLong(line -> Long.parseUnsignedLong(
                        line.substring("SigIgn:".length()).strip(), 16))
                .findFirst()
                .orElse(0);
        return (ignored & 2) != 0;
    }

    /** Waits for its end, and returns the exit code. */
    int exitCode() throws IOException, InterruptedException {
        for (String line = err.readLine(); line != null; line = err.readLine()) {
            log.add(line);
        }
        return process.waitFor();
    }

    /** What it has written to standard error, as far as it was read. */
    String log() {
        return String.join("\n", log);
    }

    @Override
    public void close() {
        process.destroyForcibly();
    }
}
