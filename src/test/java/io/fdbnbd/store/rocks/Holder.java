package io.fdbnbd.store.rocks;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.fdbnbd.store.Batch;
import io.fdbnbd.store.Bytes;
import io.fdbnbd.util.JavaCommand;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.file.Path;
import java.util.List;

/** A process of its own that opens a store, writes, says so, and then holds the store until it is killed. */
final class Holder implements AutoCloseable {
    static final int BATCHES = 20;
    static final int VALUE_BYTES = 50_000;

    private final Process process;

    private Holder(Process process) {
        this.process = process;
    }

    /** In the other process. Arguments: the directory, and whether to sync. */
    public static void main(String[] arguments) throws Exception {
        try (RocksStore store = RocksStore.open(Path.of(arguments[0]))) {
            for (int i = 0; i < BATCHES; i++) {
                store.commit(new Batch().set(Bytes.ofLong(i), Bytes.ofLength(VALUE_BYTES)));
            }
            if (Boolean.parseBoolean(arguments[1])) {
                store.sync();
            }
            System.out.println("written");
            // Ends when the parent does, too.
            if (System.in.read() < 0) {
                return;
            }
        }
    }

    /** Returns once everything is written. */
    static Holder start(Path directory, boolean sync) throws IOException {
        Process process = start(Holder.class, directory.toString(), Boolean.toString(sync));
        BufferedReader output = new BufferedReader(new InputStreamReader(process.getInputStream(), UTF_8));
        String said = output.readLine();
        if (!"written".equals(said)) {
            process.destroyForcibly();
            throw new IOException("the other process said " + said);
        }
        return new Holder(process);
    }

    /** Starts a class of these tests in a process of its own, with a heap that has its final size from the beginning. */
    static Process start(Class<?> main, String... arguments) throws IOException {
        List<String> command =
                JavaCommand.of(main, "-Xms64m", "-Xmx64m", "-XX:+AlwaysPreTouch", "-XX:TieredStopAtLevel=1");
        command.addAll(List.of(arguments));
        return new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
    }

    long pid() {
        return process.pid();
    }

    /** SIGKILL, and returns when it is gone. */
    void kill() throws InterruptedException {
        process.destroyForcibly().waitFor();
    }

    @Override
    public void close() {
        process.destroyForcibly();
    }
}
