package io.fdbnbd.cli;

import io.fdbnbd.bench.Bench;
import io.fdbnbd.bench.BenchClock;
import io.fdbnbd.bench.BenchPlan;
import io.fdbnbd.bench.BenchResult;
import io.fdbnbd.bench.Pattern;
import io.fdbnbd.bench.UnsuitableExportException;
import io.fdbnbd.client.NbdUri;
import io.fdbnbd.metrics.Meter;
import io.fdbnbd.metrics.Metrics;
import io.fdbnbd.util.Closer;
import io.fdbnbd.util.Json;
import java.io.IOException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code fdb-nbd bench}. */
@Command(
        name = "bench",
        description = {
            "Measures the latency and throughput of an export, of this or any other NBD server. WRITES DESTROY WHAT IS"
                    + " ON IT.",
            "With --rate each request has a time at which it is due, and its latency counts from then, also if it had to"
                    + " wait for others before it was sent: what a stalled server does to everybody who comes meanwhile"
                    + " is in the numbers. Without it each answer makes room for the next request."
        },
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:every request was answered, and with success",
            "1:some were not, or the server could not be reached",
            "2:it was called wrongly"
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  fdb-nbd bench nbd://127.0.0.1:10809/disk",
            "      4 KiB random reads, 32 at a time, for 30 s",
            "  fdb-nbd bench nbd://127.0.0.1:10809/disk --rw randwrite --rate 20000 --latency-log w.hlog",
            "      20000 writes a second, whatever the server does; then: fdb-nbd report w.hlog -o w.html",
            "  fdb-nbd bench 'nbd+unix:///disk?socket=/run/nbd.sock' --rw mixed --read-percent 70 --json",
            "",
            "--json prints an object with uri, size_bytes, what was asked for, duration_ms, errors (numbers of errors by"
                    + " name),",
            "  unsent, unanswered, failures, and measures as in fdb-nbd report --json."
        })
final class BenchCommand implements Callable<Integer> {
    private final Surroundings surroundings;

    @Spec
    private CommandSpec spec;

    @Parameters(
            paramLabel = "URI",
            converter = Converters.Uri.class,
            description = "nbd://HOST[:PORT]/EXPORT or nbd+unix:///EXPORT?socket=PATH")
    private NbdUri uri;

    @Option(
            names = "--rw",
            paramLabel = "PATTERN",
            converter = Converters.PatternByName.class,
            description = "randread, randwrite, read or write (one after the other), or mixed (both, at random)."
                    + " Default: randread.")
    private Pattern pattern = Pattern.RANDREAD;

    @Option(
            names = "--read-percent",
            paramLabel = "N",
            description = "How many of a hundred requests of a mixed load are reads. Default: 50.")
    private int readPercent = 50;

    @Option(
            names = "--block",
            paramLabel = "SIZE",
            converter = Converters.Size.class,
            description = "Of each read and write. Default: 4K.")
    private long block = 4096;

    @Option(
            names = "--depth",
            paramLabel = "N",
            description = "Requests on their way at a time at most, on each connection. Default: 32.")
    private int depth = 32;

    @Option(names = "--connections", paramLabel = "N", description = "Default: 1.")
    private int connections = 1;

    @Option(
            names = "--rate",
            paramLabel = "N",
            description = "Requests a second, of all connections together. Default: as many as the server answers.")
    private int rate;

    @Option(
            names = "--runtime",
            paramLabel = "TIME",
            converter = Converters.Span.class,
            description = "How long is measured. Default: 30s.")
    private Duration runtime = Duration.ofSeconds(30);

    @Option(
            names = "--warmup",
            paramLabel = "TIME",
            converter = Converters.Span.class,
            description = "Load before that, which is not measured. Default: none.")
    private Duration warmup = Duration.ZERO;

    @Option(names = "--fua", description = "Each write is to be durable when it is answered.")
    private boolean fua;

    @Option(
            names = "--flush-every",
            paramLabel = "N",
            description = "Send a flush after each N writes of a connection. Default: never.")
    private int flushEvery;

    @Option(
            names = "--compressible",
            paramLabel = "N",
            description = "How many percent of what is written a compressor can take away. Default: 0.")
    private int compressible;

    @Option(
            names = "--seed",
            paramLabel = "N",
            description = "Of places and content: the same number makes the same requests. Default: 1.")
    private long seed = 1;

    @Mixin
    private LatencyLogOptions latencyLog;

    @Option(names = "--percentiles", description = "Print HdrHistogram's table of percentiles too.")
    private boolean percentiles;

    @Option(names = "--json", description = "For programs: see below.")
    private boolean json;

    BenchCommand(Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        BenchPlan plan = plan();
        try (Interruption interruption = Interruption.install()) {
            BenchResult result = run(plan, interruption);
            print(result);
            int exitCode = result.isGood() ? Main.EXIT_DONE : Main.EXIT_FAILED;
            interruption.exitWith(exitCode);
            return exitCode;
        } catch (UnsuitableExportException e) {
            throw new ParameterException(spec.commandLine(), Failures.sentence(e), e);
        }
    }

    private void print(BenchResult result) {
        BenchText text = new BenchText(result);
        if (json) {
            spec.commandLine().getOut().println(Json.write(text.json()));
        } else {
            text.lines().forEach(spec.commandLine().getOut()::println);
            if (percentiles) {
                spec.commandLine().getOut().println();
                spec.commandLine().getOut().print(result.report().percentiles());
            }
        }
        spec.commandLine().getOut().flush();
        text.complaints().forEach(line -> spec.commandLine().getErr().println("fdb-nbd: " + line));
    }

    private BenchPlan plan() {
        try {
            return new BenchPlan(
                    pattern,
                    readPercent,
                    (int) Math.min(block, Integer.MAX_VALUE), // more than it takes
                    depth,
                    connections,
                    rate,
                    runtime,
                    warmup,
                    fua,
                    flushEvery,
                    compressible,
                    seed);
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), Failures.sentence(e), e);
        }
    }

    private Meter meter(Closer parts) throws IOException {
        if (!latencyLog.isWanted()) {
            return Meter.NONE;
        }
        Metrics metrics = new Metrics(BenchClock.SYSTEM);
        latencyLog.start(metrics, BenchClock.SYSTEM, parts);
        return parts.register(metrics.open(BenchResult.Start.volume(uri)));
    }

    private BenchResult run(BenchPlan plan, Interruption interruption) throws IOException, InterruptedException {
        BenchProgress progress = new BenchProgress(
                surroundings.terminal() ? Progress.of(spec.commandLine().getErr(), surroundings) : null);
        // The log ends with the load: it would have the time that the printing takes in its rates.
        try (Closer log = new Closer()) {
            Bench bench = new Bench(uri, plan, BenchClock.SYSTEM, InstantSource.system(), () -> meter(log));
            interruption.endWith(bench::stop);
            return bench.run(progress::show);
        } finally {
            progress.end();
        }
    }
}
