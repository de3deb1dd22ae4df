import io.fdbnbd.metrics.IntervalReader;
import io.fdbnbd.metrics.LatencyLog;
import io.fdbnbd.metrics.Metrics;
import io.fdbnbd.server.ListenAddress;
import io.fdbnbd.server.NbdServer;
import io.fdbnbd.server.ServerOptions;
import io.fdbnbd.store.memory.MemoryStore;
import io.fdbnbd.util.Ticker;
import io.fdbnbd.volume.AckMode;
import io.fdbnbd.volume.VolumeOptions;
import io.fdbnbd.volume.VolumeSpec;
import io.fdbnbd.volume.Volumes;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.stream.Stream;

/**
 * What does measuring cost? One server on the memory store under fio, which measures for a twentieth of a second and not for
 * another, four slices a round, the first and the last of one kind: so both kinds have the same JIT, the same heap and the
 * same machine. Run by {@code bench/recorders}.
 *
 * <pre>RecorderCost randread|randwrite ROUNDS SEED</pre>
 *
 * Prints what is on as a multiple of what is off: requests a second, and processor time of the
 * server for a request; and what it costs to write them down.
 */
public final class RecorderCost {
    private static final int SPAN_MIB = 256;
    private static final int WARM_SLICES = 160;
    private static final Duration SLICE = Duration.ofMillis(50);
    private static final int LOG_SECONDS = 5;

    /** How many standard deviations 95 % are within. */
    private static final double NORMAL_95 = 1.96;

    private record Slice(double requests, long nanos, long cpuNanos) {
        Slice plus(Slice other) {
            return new Slice(requests + other.requests, nanos + other.nanos, cpuNanos + other.cpuNanos);
        }

        double requestsPerSecond() {
            return requests * 1e9 / nanos;
        }

        double cpuNanosPerRequest() {
            return cpuNanos / requests;
        }
    }

    private final Metrics metrics = new Metrics(Ticker.SYSTEM);
    private final Path log;
    private final boolean reads;

    private RecorderCost(Path log, boolean reads) {
        this.log = log;
        this.reads = reads;
    }

    public static void main(String[] args) throws Exception {
        Path directory = Files.createTempDirectory("recorders");
        RecorderCost cost = new RecorderCost(directory.resolve("log.hlog"), args[0].equals("randread"));
        try (MemoryStore store = new MemoryStore();
                Volumes volumes =
                        new Volumes(store, VolumeOptions.of(AckMode.BUFFERED), Ticker.SYSTEM, cost.metrics::open);
                NbdServer server = new NbdServer(
                        volumes, ServerOptions.of(List.of(ListenAddress.parse("127.0.0.1:0"))), Ticker.SYSTEM)) {
            volumes.catalog().create(VolumeSpec.of("disk", (long) SPAN_MIB << 20));
            server.start();
            String uri = "nbd://" + server.addresses().getFirst() + "/disk";
            fio(uri, "--rw=write", "--bs=1m", "--iodepth=4").waitFor();
            int rounds = Integer.parseInt(args[1]);
            Process load = fio(uri, "--rw=" + args[0], "--bs=4k", "--iodepth=32", "--time_based", "--runtime=600");
            try {
                cost.run(rounds, new Random(Long.parseLong(args[2])));
            } finally {
                load.destroy();
                load.waitFor();
            }
        } finally {
            try (Stream<Path> files = Files.list(directory)) {
                for (Path file : files.toList()) {
                    Files.delete(file);
                }
            }
            Files.delete(directory);
        }
    }

    private static Process fio(String uri, String... more) throws Exception {
        List<String> command = new ArrayList<>(List.of(
                "fio", "--name=load", "--ioengine=nbd", "--uri=" + uri, "--size=" + SPAN_MIB + "m", "--norandommap"));
        command.addAll(List.of(more));
        return new ProcessBuilder(command).redirectOutput(ProcessBuilder.Redirect.DISCARD).start();
    }

    private void run(int rounds, Random random) throws Exception {
        for (int i = 0; i < WARM_SLICES; i++) {
            slice(i % 2 == 0);
        }
        List<Double> rates = new ArrayList<>();
        List<Double> costs = new ArrayList<>();
        double off = 0;
        for (int i = 0; i < rounds; i++) {
            // Outer and inner: what drifts at a constant pace, such as the machine, is the same for both.
            boolean outer = random.nextBoolean();
            Slice first = slice(outer);
            Slice inner = slice(!outer).plus(slice(!outer));
            Slice both = first.plus(slice(outer));
            Slice with = outer ? both : inner;
            Slice without = outer ? inner : both;
            rates.add(Math.log(with.requestsPerSecond() / without.requestsPerSecond()));
            costs.add(Math.log(with.cpuNanosPerRequest() / without.cpuNanosPerRequest()));
            off += without.requestsPerSecond() / rounds;
        }
        System.out.printf("%s: %,.0f requests a second without%n", reads ? "randread" : "randwrite", off);
        print("requests a second", rates);
        print("processor time a request", costs);
        System.out.printf("  writing the log: %.2f ms of processor time a second%n", logMillisPerSecond());
    }

    /** Hodges and Lehmann's estimate, the median of the means of all pairs, and its interval by Wilcoxon's signed ranks. */
    private static void print(String what, List<Double> logs) {
        int n = logs.size();
        double[] means = new double[n * (n + 1) / 2];
        int next = 0;
        for (int i = 0; i < n; i++) {
            for (int j = i; j < n; j++) {
                means[next++] = (logs.get(i) + logs.get(j)) / 2;
            }
        }
        Arrays.sort(means);
        int outside = (int) (means.length / 2.0 - NORMAL_95 * Math.sqrt(n * (n + 1.0) * (2 * n + 1) / 24));
        System.out.printf(
                "  %s: %.4f of it (95 %% interval %.4f to %.4f, %d rounds)%n",
                what,
                Math.exp(means[means.length / 2]),
                Math.exp(means[outside]),
                Math.exp(means[means.length - 1 - outside]),
                n);
    }

    private Slice slice(boolean on) throws Exception {
        try (IntervalReader reader = on ? metrics.reader() : null) {
            long beganNanos = System.nanoTime();
            long cpu = cpuNanos();
            double requests = requests();
            Thread.sleep(SLICE);
            return new Slice(requests() - requests, System.nanoTime() - beganNanos, cpuNanos() - cpu);
        }
    }

    /** The part of the cost that depends on the interval and not on the requests, with the default interval. */
    private double logMillisPerSecond() throws Exception {
        try (LatencyLog writer =
                LatencyLog.start(log, Duration.ofSeconds(1), metrics, Ticker.SYSTEM, InstantSource.system())) {
            Thread.sleep(1500); // the first is dear: its classes are loaded
            Path thread = threads().filter(RecorderCost::writesTheLog).findFirst().orElseThrow();
            long cpu = runNanos(thread);
            Thread.sleep(Duration.ofSeconds(LOG_SECONDS));
            return (runNanos(thread) - cpu) / 1e6 / LOG_SECONDS;
        }
    }

    private static boolean writesTheLog(Path thread) {
        try {
            return Files.readString(thread.resolve("comm")).equals("latency-log\n");
        } catch (IOException e) {
            return false; // it ended
        }
    }

    /** All threads', as the scheduler has it: the JVM's own number is in steps of 10 ms. */
    private static long cpuNanos() throws IOException {
        long sum = 0;
        for (Path thread : threads().toList()) {
            sum += runNanos(thread);
        }
        return sum;
    }

    private static Stream<Path> threads() {
        return Arrays.stream(Objects.requireNonNull(new File("/proc/self/task").listFiles())).map(File::toPath);
    }

    private static long runNanos(Path thread) throws IOException {
        try {
            String numbers = Files.readString(thread.resolve("schedstat"));
            return Long.parseLong(numbers.substring(0, numbers.indexOf(' ')));
        } catch (NoSuchFileException e) {
            return 0; // it ended
        }
    }

    /** By the bytes that this process has read and written, which costs requests nothing; a block is nearly all of one. */
    private double requests() throws IOException {
        String name = reads ? "wchar: " : "rchar: ";
        return Files.readAllLines(Path.of("/proc/self/io")).stream()
                .filter(line -> line.startsWith(name))
                .mapToDouble(line -> Double.parseDouble(line.substring(name.length())) / 4096)
                .findFirst()
                .orElseThrow();
    }
}
