package io.fdbnbd.store.fdb;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import com.apple.foundationdb.Database;
import io.fdbnbd.store.StoreException;
import io.fdbnbd.util.Ticker;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * A real cluster for tests, from an installed server, by {@code tools/fdb-cluster}. As an extension it skips a test class
 * where no server is installed, and says so once; with {@code -Dfdbnbd.require.fdb=true} such a test fails instead.
 */
public final class FdbCluster implements ExecutionCondition {

    private static final Path SCRIPT = Path.of("tools/fdb-cluster").toAbsolutePath();

    private static final byte[] DATABASE_LOCKED = "\u00ff/dbLocked".getBytes(ISO_8859_1);

    private static @Nullable FdbCluster shared;
    private static boolean skipPrinted;

    private final Path directory;

    /** For JUnit, which asks only whether there can be a cluster. */
    public FdbCluster() {
        this(Path.of(""));
    }

    private FdbCluster(Path directory) {
        this.directory = directory;
    }

    /** The cluster that tests share who do not harm it: they keep apart by prefix. Ends with this JVM. */
    public static FdbCluster shared() throws IOException {
        if (shared == null) {
            shared = start();
        }
        return shared;
    }

    /** A cluster of the caller's own, to be harmed; ends with this JVM at the latest. */
    public static FdbCluster start(String... options) throws IOException {
        FdbCluster cluster = new FdbCluster(Files.createTempDirectory("fdb"));
        Runtime.getRuntime().addShutdownHook(new Thread(cluster::stopQuietly));
        cluster.startAgain(options);
        return cluster;
    }

    /** A store under a prefix that nobody else has. */
    public FdbStore openStore() throws StoreException {
        return openStore(UUID.randomUUID() + "/");
    }

    public FdbStore openStore(String prefix) throws StoreException {
        return FdbStore.open(location(prefix), Ticker.SYSTEM);
    }

    public FdbLocation location(String prefix) {
        return new FdbLocation(Optional.of(clusterFile().toString()), prefix);
    }

    public Path clusterFile() {
        return directory.resolve("fdb.cluster");
    }

    public void kill() throws IOException {
        script("kill", directory.toString());
    }

    public void startAgain(String... options) throws IOException {
        List<String> arguments = new ArrayList<>(List.of(
                "start",
                directory.toString(),
                "--parent",
                Long.toString(ProcessHandle.current().pid())));
        arguments.addAll(List.of(options));
        script(arguments.toArray(String[]::new));
    }

    public void pause() throws IOException {
        script("pause", directory.toString());
    }

    public void resume() throws IOException {
        script("resume", directory.toString());
    }

    /** Runs commands of FoundationDB's own tool. */
    public String cli(String commands) throws IOException {
        return run(List.of("fdbcli", "-C", clusterFile().toString(), "--timeout", "20", "--exec", commands));
    }

    /** What {@code fdbcli}'s {@code unlock} does; that one wants a passphrase typed. */
    public void unlock() throws StoreException {
        try (Database database = FdbClient.load().open(clusterFile().toString(), Runnable::run)) {
            database.run(transaction -> {
                transaction.options().setLockAware();
                transaction.options().setAccessSystemKeys();
                transaction.clear(DATABASE_LOCKED);
                return true;
            });
        }
    }

    private void stopQuietly() {
        try {
            script("stop", directory.toString());
        } catch (IOException e) {
            System.err.println("a test's cluster was not stopped: " + e);
        }
    }

    private static String script(String... arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of(SCRIPT.toString()));
        command.addAll(List.of(arguments));
        return run(command);
    }

    private static String run(List<String> command) throws IOException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), UTF_8);
        try {
            if (process.waitFor() != 0) {
                throw new IOException(command + " failed: " + output);
            }
        } catch (InterruptedException e) {
            throw new IOException("interrupted", e);
        }
        return output;
    }

    @Override
    public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
        try {
            script("available");
            return ConditionEvaluationResult.enabled("an fdbserver is installed");
        } catch (IOException e) {
            if (Boolean.getBoolean("fdbnbd.require.fdb")) {
                return ConditionEvaluationResult.enabled("FoundationDB is required, so what is missing is a failure");
            }
            if (!skipPrinted) {
                skipPrinted = true;
                System.out.println(
                        "FoundationDB tests are skipped: no fdbserver and fdbcli of version 7.3 are installed");
            }
            return ConditionEvaluationResult.disabled("no fdbserver is installed");
        }
    }
}
