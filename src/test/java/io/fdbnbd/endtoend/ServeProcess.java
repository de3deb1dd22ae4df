package io.fdbnbd.endtoend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fdbnbd.cli.Main;
import io.fdbnbd.server.ListenAddress;
import io.fdbnbd.util.JavaCommand;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * {@code fdb-nbd serve} in a JVM of its own, on a free port of the loopback and a unix socket. Can be started again
 * after its end, with the same store. For one thread; ends with this JVM at the latest.
 */
final class ServeProcess implements AutoCloseable {
    private static final Pattern TCP = Pattern.compile("listening at 127\\.0\\.0\\.1:([0-9]+)");
    private static final Pattern READY = Pattern.compile("serving [0-9]+ volume");
    private static final Pattern COMPLAINT =
            Pattern.compile("^\\S+ \\S+ (WARN|ERROR) .*|.*Exception.*|.*OutOfMemory.*", Pattern.MULTILINE);

    /** As {@code tools/fdb-nbd} sets it. */
    private static final String MALLOC_ARENAS = "2";

    private static final int START_SECONDS_MAX = 120;
    private static final int STOP_SECONDS_MAX = 120;
    private static final int POLL_MILLIS = 20;
    private static final int SIGKILL_EXIT_CODE = 128 + 9;

    private final Path directory;
    private final String store;
    private final List<String> jvmOptions = new ArrayList<>(List.of("-Xmx512m", "-XX:+UseG1GC"));
    private final List<String> arguments = new ArrayList<>();
    private List<String> launcher = List.of();
    private final Thread onExit = new Thread(this::destroy);
    private int starts;
    private @Nullable Process process;
    private int port;

    /**
     * @param directory for the log and the socket
     * @param store as {@code --store} takes it
     */
    ServeProcess(Path directory, String store) {
        this.directory = directory;
        this.store = store;
        Runtime.getRuntime().addShutdownHook(onExit);
    }

    /** A store in a directory beside the log. */
    static ServeProcess onRocks(Path directory) {
        return new ServeProcess(directory, "rocksdb:" + directory.resolve("store"));
    }

    ServeProcess volume(String name, String size) {
        return with("--create", name + ":" + size);
    }

    ServeProcess with(String... more) {
        arguments.addAll(List.of(more));
        return this;
    }

    ServeProcess jvm(String... more) {
        jvmOptions.addAll(List.of(more));
        return this;
    }

    /** @param command what becomes the JVM whose command line follows it */
    ServeProcess launchedBy(List<String> command) {
        launcher = command;
        return this;
    }

    /** All of its command line. */
    List<String> command(String... more) {
        List<String> command = new ArrayList<>(launcher);
        command.addAll(JavaCommand.of(Main.class, jvmOptions.toArray(String[]::new)));
        command.addAll(List.of("serve", "--store", store, "--listen", "127.0.0.1:0", "--listen", "unix:" + socket()));
        command.addAll(arguments);
        command.addAll(List.of(more));
        return command;
    }

    /** Returns when it serves. */
    ServeProcess start(String... more) throws IOException {
        starts++;
        ProcessBuilder builder = new ProcessBuilder(command(more)).redirectErrorStream(true);
        builder.environment().put("MALLOC_ARENA_MAX", MALLOC_ARENAS);
        process = builder.redirectOutput(logFile().toFile()).start();
        assertTrue(
                await(START_SECONDS_MAX, () -> READY.matcher(log()).find()),
                () -> "the server did not start:\n" + log());
        Matcher address = TCP.matcher(log());
        assertTrue(address.find(), this::log);
        port = Integer.parseInt(address.group(1));
        return this;
    }

    /** Runs a {@code volume} command on the store, and returns what it printed. */
    String volumeCommand(String... words) {
        List<String> command = JavaCommand.of(Main.class, "-Xmx128m", "-XX:TieredStopAtLevel=1");
        command.addAll(List.of("volume"));
        command.addAll(List.of(words));
        command.addAll(List.of("--store", store));
        Programs.Run run = Programs.tryRun(new ProcessBuilder(command));
        assertEquals(0, run.exitCode(), run::toString);
        return run.output();
    }

    // ---- its end

    /** Kills it as a crash would: nothing it holds in memory is kept. Any thread; {@link #awaitKilled} follows. */
    void kill() {
        running().destroyForcibly();
    }

    void awaitKilled() throws InterruptedException {
        assertEquals(SIGKILL_EXIT_CODE, running().waitFor(), () -> "it had ended before it was killed:\n" + log());
    }

    /** SIGTERM, without waiting for what it leads to. Any thread. */
    void requestEnd() {
        running().destroy();
    }

    /** Waits until it has ended well. */
    void awaitEnd() throws InterruptedException {
        assertTrue(running().waitFor(STOP_SECONDS_MAX, TimeUnit.SECONDS), () -> "it does not end:\n" + log());
        assertEquals(0, running().exitValue(), this::log);
    }

    /** SIGTERM; fails if it complained of anything since its start. */
    void stop() throws InterruptedException {
        requestEnd();
        awaitEnd();
        assertNoComplaints();
    }

    void assertNoComplaints() {
        String log = log();
        assertTrue(!COMPLAINT.matcher(log).find(), () -> "something in the log is not as it should be:\n" + log);
    }

    @Override
    public void close() {
        destroy();
        Runtime.getRuntime().removeShutdownHook(onExit);
    }

    private void destroy() {
        if (process != null) {
            process.destroyForcibly();
        }
    }

    // ---- what there is to know of it

    boolean isRunning() {
        return running().isAlive();
    }

    ListenAddress tcp() {
        return new ListenAddress.Tcp("127.0.0.1", port);
    }

    ListenAddress unix() {
        return new ListenAddress.Unix(socket());
    }

    int port() {
        return port;
    }

    Path socket() {
        return directory.resolve("socket");
    }

    String uri(String volume) {
        return "nbd://127.0.0.1:" + port + "/" + volume;
    }

    String unixUri(String volume) {
        return "nbd+unix:///" + volume + "?socket=" + socket();
    }

    /** All that it has printed since its last start. */
    String log() {
        try {
            return Files.readString(logFile());
        } catch (IOException e) {
            return "(no log: " + e + ")";
        }
    }

    private Path logFile() {
        return directory.resolve("serve-" + starts + ".log");
    }

    Footprint footprint() {
        return Footprint.of(running().pid());
    }

    /** Returns whether {@code condition} came true in time; what goes on in another process can only be asked for. */
    boolean await(int secondsMax, BooleanSupplier condition) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(secondsMax);
        try {
            while (!condition.getAsBoolean()) {
                if (System.nanoTime() - deadline > 0 || running().waitFor(POLL_MILLIS, TimeUnit.MILLISECONDS)) {
                    return false;
                }
            }
            return true;
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private Process running() {
        return Objects.requireNonNull(process, "it was never started");
    }
}
