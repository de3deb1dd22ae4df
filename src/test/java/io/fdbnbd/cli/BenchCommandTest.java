package io.fdbnbd.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fdbnbd.util.JavaCommand;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The load generator, on servers of ours and of others. */
@Timeout(120)
class BenchCommandTest {

    @TempDir
    private Path temp;

    private static ServerProcess serve(String... more) throws IOException {
        String[] usual = {"--store", "memory:", "--listen", "127.0.0.1:0", "--create", "disk:16M"};
        String[] all = new String[usual.length + more.length];
        System.arraycopy(usual, 0, all, 0, usual.length);
        System.arraycopy(more, 0, all, usual.length, more.length);
        return ServerProcess.start(all);
    }

    private static Map<?, ?> json(CommandRun run) {
        return (Map<?, ?>) Objects.requireNonNull(JsonReader.read(run.done()));
    }

    private static long count(Map<?, ?> result, String measure) {
        return ((List<?>) Objects.requireNonNull(result.get("measures")))
                .stream()
                        .map(one -> (Map<?, ?>) one)
                        .filter(one -> measure.equals(one.get("measure")))
                        .mapToLong(one -> (long) Objects.requireNonNull(one.get("count")))
                        .sum();
    }

    @ParameterizedTest
    @ValueSource(strings = {"randread", "randwrite", "read", "write", "mixed"})
    void theServerHasSeenWhatWasMeasured(String pattern) throws Exception {
        try (ServerProcess server = serve()) {
            Path log = temp.resolve("bench.hlog");
            Map<?, ?> result = json(CommandRun.of(
                    "bench",
                    "nbd://" + server.address() + "/disk",
                    "--rw",
                    pattern,
                    "--block=64K",
                    "--connections=2",
                    "--depth=8",
                    "--runtime=200ms",
                    "--latency-log=" + log,
                    "--json"));
            long reads = count(result, "read");
            long writes = count(result, "write");
            assertEquals(pattern.contains("read") || pattern.equals("mixed"), reads > 0, result.toString());
            assertEquals(pattern.contains("write") || pattern.equals("mixed"), writes > 0, result.toString());
            assertEquals(reads << 16, count(result, "bytes out"));
            assertEquals(writes << 16, count(result, "bytes in"));
            List<?> logged = (List<?>) JsonReader.read(
                    CommandRun.of("report", log.toString(), "--json").done());
            Map<?, ?> run = (Map<?, ?>) Objects.requireNonNull(logged).getFirst();
            assertEquals(reads, count(run, "read"));
            assertEquals(writes, count(run, "write"));
            server.signal("TERM");
            assertEquals(0, server.exitCode());
            long seen = server.log()
                    .lines()
                    .filter(line -> line.contains("detached from"))
                    .mapToLong(line -> Long.parseLong(line.replaceAll(".* s: ([0-9]+) requests.*", "$1")))
                    .sum();
            assertEquals(reads + writes, seen, server.log());
        }
    }

    @Test
    void aPersonSeesATable() throws Exception {
        try (ServerProcess server = serve()) {
            String out = CommandRun.of(
                            "bench",
                            "nbd://" + server.address() + "/disk",
                            "--rate=1000",
                            "--runtime=300ms",
                            "--warmup=100ms",
                            "--percentiles")
                    .done();
            List<String> lines = out.lines().toList();
            assertTrue(
                    lines.getFirst()
                            .endsWith("/disk, 16 MiB: randread, 4 KiB, depth 32, 1 connection, 1,000 a second, 0.3 s"),
                    out);
            assertTrue(lines.get(2).matches("volume +what +IOPS +MB/s +mean +p50 .* max"), out);
            assertTrue(
                    lines.get(3).matches("disk +read +[0-9].*") || lines.get(4).matches("disk +read +[0-9].*"), out);
            assertTrue(out.contains("#[Mean"), out);
        }
    }

    @Test
    void whatCannotBeMeasuredIsSaidInOneSentence() throws Exception {
        try (ServerProcess server = serve("--read-only")) {
            String address = server.address().toString();
            String uri = "nbd://" + address + "/disk";
            assertTrue(CommandRun.of("bench", uri, "--rw=randwrite").refused().contains("read-only"));
            assertTrue(CommandRun.of("bench", "nbd://" + address + "/none")
                    .failed()
                    .contains("the server has not the export 'none'"));
            assertTrue(CommandRun.of("bench", uri, "--block=32M", "--depth=2000")
                    .refused()
                    .contains("--depth is 2000"));
        }
        // A port of its own that nobody listens on: that of a server which has ended may be somebody else's by now.
        assertTrue(CommandRun.of("bench", "nbd://127.0.0.1:1/disk").failed().contains("no server can be reached"));
        assertTrue(CommandRun.of("bench", "nbds://127.0.0.1/disk").refused().contains("asks for TLS"));
        assertTrue(CommandRun.of("bench", "http://127.0.0.1/").refused().contains("write nbd://HOST"));
    }

    /** What was measured before stays where it was, if nothing is measured now. */
    @Test
    void theLogIsLeftAloneUntilThereIsSomethingToWrite() throws Exception {
        Path log = Files.writeString(temp.resolve("before.hlog"), "what was measured before");
        try (ServerProcess server = serve("--read-only")) {
            String uri = "nbd://" + server.address() + "/disk";
            CommandRun.of("bench", uri, "--rw=write", "--latency-log=" + log).refused();
            CommandRun.of("bench", uri, "--depth=0", "--latency-log=" + log).refused();
            CommandRun.of("bench", "nbd://127.0.0.1:1/disk", "--latency-log=" + log)
                    .failed();
        }
        assertEquals("what was measured before", Files.readString(log));
    }

    /** Both run a command with the address of what they serve. */
    @Test
    void nbdkitIsMeasuredToo() throws Exception {
        measures("nbdkit", "-U", "-", "memory", "16M", "--run", bench("$uri"));
    }

    @Test
    void qemuNbdIsMeasuredToo() throws Exception {
        Path disk = temp.resolve("disk.raw");
        Files.write(disk, new byte[16 << 20]);
        String socket = temp.resolve("qemu.sock").toString();
        measures(
                "sh",
                "-c",
                "command -v qemu-nbd >/dev/null || exit 127; qemu-nbd --fork -f raw -x disk -k '" + socket + "' '"
                        + disk + "' && " + bench("nbd+unix:///disk?socket=" + socket));
    }

    private static String bench(String uri) {
        String program = JavaCommand.of(Main.class, "-XX:TieredStopAtLevel=1").stream()
                .map(Attaching::quoted)
                .collect(Collectors.joining(" "));
        return program + " bench \"" + uri + "\" --rw=mixed --runtime=200ms --json";
    }

    private static void measures(String... command) throws Exception {
        Process process;
        try {
            process = new ProcessBuilder(command).redirectErrorStream(true).start();
        } catch (IOException e) {
            Assumptions.abort(command[0] + " is not installed");
            return;
        }
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        int exitCode = process.waitFor();
        Assumptions.assumeFalse(exitCode == 127, "it is not installed");
        assertEquals(0, exitCode, out);
        Map<?, ?> result = (Map<?, ?>) Objects.requireNonNull(JsonReader.read(out.substring(out.indexOf('{'))));
        assertTrue(count(result, "read") > 0 && count(result, "write") > 0, out);
    }
}
