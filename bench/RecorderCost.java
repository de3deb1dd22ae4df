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
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;

/**
 * What does measuring cost? One server on the memory store under fio, whose latency log is on for half a second and off for
 * another, in random order: so both have the same JIT, the same heap and the same minute. Run by {@code bench/recorders}.
 *
 * <pre>RecorderCost randread|randwrite PAIRS SEED</pre>
 *
 * Prints what is on as a multiple of what is off: requests a second, and processor time of the server for a request.
 */
public final class RecorderCost {
    private static final int SPAN_MIB = 256;
    private static final int WARM_SLICES = 16;
    private static final Duration SLICE = Duration.ofMillis(500);

    private record Slice(double requestsPerSecond, double cpuNanosPerRequest) {}

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
            int pairs = Integer.parseInt(args[1]);
            Process load = fio(uri, "--rw=" + args[0], "--bs=4k", "--iodepth=32", "--time_based", "--runtime=600");
            try {
                cost.run(pairs, new Random(Long.parseLong(args[2])));
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

    private void run(int pairs, Random random) throws Exception {
        for (int i = 0; i < WARM_SLICES; i++) {
            slice(i % 2 == 0);
        }
        List<Double> rates = new ArrayList<>();
        List<Double> costs = new ArrayList<>();
        double off = 0;
        for (int i = 0; i < pairs; i++) {
            boolean onFirst = random.nextBoolean();
            Slice first = slice(onFirst);
            Slice second = slice(!onFirst);
            Slice with = onFirst ? first : second;
            Slice without = onFirst ? second : first;
            rates.add(with.requestsPerSecond / without.requestsPerSecond);
            costs.add(with.cpuNanosPerRequest / without.cpuNanosPerRequest);
            off += without.requestsPerSecond / pairs;
        }
        System.out.printf("%s: %,.0f requests a second without%n", reads ? "randread" : "randwrite", off);
        print("requests a second", rates);
        print("processor time a request", costs);
    }

    private static void print(String what, List<Double> ratios) {
        ratios.sort(null);
        int last = ratios.size() - 1;
        System.out.printf(
                "  %s: %.3f of it, median of %d pairs (quartiles %.3f and %.3f)%n",
                what, ratios.get(last / 2), last + 1, ratios.get(last / 4), ratios.get(last * 3 / 4));
    }

    private Slice slice(boolean on) throws Exception {
        LatencyLog writer =
                on ? LatencyLog.start(log, SLICE.multipliedBy(10), metrics, Ticker.SYSTEM, InstantSource.system()) : null;
        long beganNanos = System.nanoTime();
        long cpu = cpuNanos();
        long requests = requests();
        Thread.sleep(SLICE);
        if (writer != null) {
            writer.close(); // writes the interval
        }
        requests = requests() - requests;
        return new Slice(
                requests / ((System.nanoTime() - beganNanos) / 1e9), (cpuNanos() - cpu) / (double) requests);
    }

    private static long cpuNanos() {
        return ((com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean())
                .getProcessCpuTime();
    }

    /** By the bytes that this process has read and written, which costs requests nothing; a block is nearly all of one. */
    private long requests() throws Exception {
        String name = reads ? "wchar: " : "rchar: ";
        return Files.readAllLines(Path.of("/proc/self/io")).stream()
                .filter(line -> line.startsWith(name))
                .mapToLong(line -> Long.parseLong(line.substring(name.length())) / 4096)
                .findFirst()
                .orElseThrow();
    }
}
