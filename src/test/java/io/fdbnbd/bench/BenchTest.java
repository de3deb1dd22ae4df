package io.fdbnbd.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fdbnbd.client.NbdUri;
import io.fdbnbd.metrics.Measure;
import io.fdbnbd.metrics.Measured;
import io.fdbnbd.metrics.Meter;
import io.fdbnbd.metrics.Metrics;
import io.fdbnbd.metrics.report.Report;
import io.fdbnbd.nbd.Nbd;
import java.io.EOFException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.HdrHistogram.Histogram;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Against servers that do what a test says, in a time that only they and the schedule move. */
@Timeout(60)
class BenchTest {
    private static final int BLOCK_BYTES = 4096;

    /** Stands still until somebody waits for it, or a server takes some. */
    private static final class HandClock implements BenchClock {
        private final AtomicLong now = new AtomicLong();

        void spend(Duration time) {
            now.addAndGet(time.toNanos());
        }

        @Override
        public long nanoTime() {
            return now.get();
        }

        @Override
        public void awaitUntil(long nanos, CountDownLatch stop) {
            now.accumulateAndGet(nanos, Math::max);
        }
    }

    private final HandClock clock = new HandClock();

    private static BenchPlan plan(Pattern pattern, int depth, int rate, Duration runtime) {
        return new BenchPlan(pattern, 50, BLOCK_BYTES, depth, 1, rate, runtime, Duration.ZERO, false, 0, 0, 1);
    }

    private BenchResult run(ScriptedServer server, BenchPlan plan) throws Exception {
        return new Bench(NbdUri.parse(server.uri()), plan, clock, () -> Instant.EPOCH, () -> Meter.NONE)
                .run((part, requests, bytes) -> {});
    }

    private static Report expected(Histogram responses, Histogram services, Duration elapsed, String uri) {
        return Report.of(
                uri,
                Instant.EPOCH,
                elapsed,
                List.of(
                        Report.Values.of("disk", Measure.READ, responses),
                        Report.Values.count("disk", Measure.BYTES_OUT, responses.getTotalCount() * BLOCK_BYTES),
                        Report.Values.of("disk", Measure.READ, services).named("since sent")));
    }

    /** A request a millisecond, each takes 10 us, the 500th a second: those that came meanwhile have waited for it. */
    @Test
    void aStallCountsForAllThatWereDueInIt() throws Exception {
        long interval = Duration.ofMillis(1).toNanos();
        long service = Duration.ofNanos(10_000).toNanos();
        long stall = Duration.ofSeconds(1).toNanos();
        Histogram responses = new Histogram(3);
        Histogram services = new Histogram(3);
        long free = 0;
        for (int i = 0; i < 3000; i++) {
            long due = i * interval;
            long takes = i == 500 ? stall : service;
            long sent = Math.max(due, free);
            free = sent + takes;
            responses.recordValue(free - due);
            services.recordValue(takes);
        }
        try (ScriptedServer server = new ScriptedServer((request, out) -> {
            clock.spend(Duration.ofNanos(request.number() == 500 ? stall : service));
            request.reply(out, 0);
        })) {
            BenchResult result = run(server, plan(Pattern.RANDREAD, 1, 1000, Duration.ofSeconds(3)));
            assertTrue(result.isGood(), result.toString());
            assertEquals(0, result.unsent());
            assertEquals(3000, result.measured());
            assertEquals(
                    expected(responses, services, result.elapsed(), server.uri())
                            .text(),
                    result.report().text());
        }
        assertTrue(responses.getValueAtPercentile(90) > stall / 2, "the stall would not show");
        assertTrue(services.getValueAtPercentile(99.9) < 2 * service, "the stall would show without the schedule");
    }

    /**
     * A server that holds as many as may be outstanding, for a second. With a rate all see it who come in that second;
     * else only those do that were sent, which is why there is a rate.
     */
    @ParameterizedTest
    @ValueSource(ints = {1000, 0})
    void aStallIsSeenByAllWhoComeInItIfThereIsARate(int rate) throws Exception {
        int depth = 32;
        Metrics metrics = new Metrics(clock);
        Measured measured = new Measured(metrics, "disk");
        List<ScriptedServer.Request> held = new ArrayList<>();
        try (ScriptedServer server = new ScriptedServer((request, out) -> {
            boolean holds = request.number() >= 500 && held.size() < depth;
            if (holds) {
                held.add(request);
            } else {
                clock.spend(rate == 0 ? Duration.ofMillis(1) : Duration.ZERO);
                request.reply(out, 0);
            }
            if (holds && held.size() == depth) {
                clock.spend(Duration.ofSeconds(1));
                for (ScriptedServer.Request late : held) {
                    late.reply(out, 0);
                }
            }
        })) {
            BenchPlan plan = plan(Pattern.RANDREAD, depth, rate, Duration.ofSeconds(3));
            Bench bench =
                    new Bench(NbdUri.parse(server.uri()), plan, clock, () -> Instant.EPOCH, () -> metrics.open("disk"));
            assertTrue(bench.run((part, requests, bytes) -> {}).isGood());
        }
        Histogram reads = measured.of(Measure.READ);
        assertTrue(reads.getMaxValue() >= Duration.ofSeconds(1).toNanos(), "the largest is the stall");
        long late = reads.getCountBetweenValues(Duration.ofMillis(400).toNanos(), Long.MAX_VALUE);
        // One comes each millisecond, and waits for what is left of the second; a meter is exact to a part in 128.
        long slack = rate == 0 ? 0 : 5;
        long expected = rate == 0 ? depth : depth + 600;
        assertTrue(Math.abs(late - expected) <= slack, () -> late + " waited, not " + expected);
    }

    /** A request takes twice as long as there is time for one. */
    @Test
    void whatCouldNotBeSentInTimeIsCounted() throws Exception {
        try (ScriptedServer server = new ScriptedServer((request, out) -> {
            clock.spend(Duration.ofMillis(20));
            request.reply(out, 0);
        })) {
            BenchResult result = run(server, plan(Pattern.RANDREAD, 1, 100, Duration.ofSeconds(30)));
            // 10 s more than the 30 are for catching up.
            assertEquals(2000, result.measured());
            assertEquals(1000, result.unsent());
        }
    }

    @Test
    void theWarmUpIsNotMeasured() throws Exception {
        BenchPlan plan = new BenchPlan(
                Pattern.READ, 0, BLOCK_BYTES, 1, 1, 100, Duration.ofSeconds(2), Duration.ofSeconds(1), false, 0, 0, 1);
        AtomicInteger answered = new AtomicInteger();
        try (ScriptedServer server = new ScriptedServer((request, out) -> {
            answered.incrementAndGet();
            request.reply(out, 0);
        })) {
            assertEquals(200, run(server, plan).measured());
            assertEquals(300, answered.get());
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void writesGoInOrderWithFlushesBetween(boolean knowsGo) throws Exception {
        List<String> requests = new ArrayList<>();
        int flags = Nbd.TRANSMIT_SEND_FLUSH | Nbd.TRANSMIT_SEND_FUA;
        BenchPlan plan = new BenchPlan(
                Pattern.WRITE, 0, BLOCK_BYTES, 4, 1, 0, Duration.ofSeconds(1), Duration.ZERO, true, 3, 0, 1);
        try (ScriptedServer server = new ScriptedServer(knowsGo, flags, (request, out) -> {
            requests.add(
                    Nbd.commandName(request.command()) + " " + request.flags() + " " + request.offset() / BLOCK_BYTES);
            clock.spend(Duration.ofMillis(10));
            request.reply(out, 0);
        })) {
            assertTrue(run(server, plan).isGood());
        }
        assertEquals(
                List.of("WRITE 1 0", "WRITE 1 1", "WRITE 1 2", "FLUSH 0 0", "WRITE 1 3", "WRITE 1 4"),
                requests.subList(0, 6));
        assertTrue(requests.contains("WRITE 1 60"), requests.toString());
    }

    @Test
    void errorsAreCountedAndNotMeasured() throws Exception {
        try (ScriptedServer server = new ScriptedServer((request, out) -> {
            clock.spend(Duration.ofMillis(1));
            request.reply(out, request.number() % 4 == 0 ? Nbd.EIO : 0);
        })) {
            BenchResult result = run(server, plan(Pattern.RANDREAD, 1, 0, Duration.ofMillis(100)));
            assertEquals(Map.of("EIO", 25L), result.errors());
            assertEquals(75, result.measured());
            assertFalse(result.isGood());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"no reply", "strange cookie", "answered twice", "closed"})
    void aServerThatIsOutOfStepEndsTheRun(String how) throws Exception {
        try (ScriptedServer server = new ScriptedServer((request, out) -> {
            if (request.number() < 5) {
                request.reply(out, 0);
                return;
            }
            switch (how) {
                case "no reply" -> out.writeLong(0x1234);
                case "strange cookie" -> {
                    out.writeLong((long) Nbd.SIMPLE_REPLY_MAGIC << 32);
                    out.writeLong(0x7fff_ffff_ffffL);
                    return;
                }
                case "answered twice" -> {
                    request.reply(out, Nbd.EIO);
                    request.reply(out, Nbd.EIO);
                    return;
                }
                default -> throw new EOFException();
            }
            out.writeLong(0);
        })) {
            BenchResult result = run(server, plan(Pattern.RANDREAD, 2, 0, Duration.ofSeconds(1)));
            String failure = result.failures().toString();
            String expected = switch (how) {
                case "no reply" -> "is no reply (it begins with 0x0)";
                case "closed" -> "the server closed it";
                default -> "is not outstanding";
            };
            assertTrue(failure.contains(expected) || (how.equals("closed") && failure.contains("reset")), failure);
            assertFalse(result.isGood());
        }
    }

    @Test
    void whatTheExportDoesNotAllowIsRefusedBeforeARequest() throws Exception {
        ScriptedServer.Script none = (request, out) -> {
            throw new IOException("a request came");
        };
        try (ScriptedServer server = new ScriptedServer(true, Nbd.TRANSMIT_READ_ONLY, none)) {
            BenchPlan plan = plan(Pattern.MIXED, 1, 0, Duration.ofSeconds(1));
            String message = assertThrows(UnsuitableExportException.class, () -> run(server, plan))
                    .toString();
            assertTrue(message.contains("read-only"), message);
        }
    }

    /** A server that takes connections and says nothing. */
    @Test
    void itCanBeStoppedBeforeItIsConnected() throws Exception {
        try (ServerSocket mute = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            Bench bench = new Bench(
                    NbdUri.parse("nbd://127.0.0.1:" + mute.getLocalPort() + "/disk"),
                    plan(Pattern.RANDREAD, 1, 0, Duration.ofSeconds(1)),
                    clock,
                    () -> Instant.EPOCH,
                    () -> {
                        throw new AssertionError("nobody has answered");
                    });
            FutureTask<BenchResult> run = new FutureTask<>(() -> bench.run((part, requests, bytes) -> {}));
            Thread thread = Thread.ofPlatform().name("bench").start(run);
            try (Socket accepted = mute.accept()) {
                bench.stop();
                Throwable failure =
                        assertThrows(ExecutionException.class, run::get).getCause();
                assertTrue(
                        String.valueOf(failure).endsWith(": stopped before it was connected"),
                        "failed with " + failure);
                assertEquals(-1, accepted.getInputStream().read(), "the connection is closed");
            }
            thread.join();
            assertTrue(
                    assertThrows(IOException.class, () -> bench.run((part, requests, bytes) -> {}))
                            .toString()
                            .endsWith(": stopped before it was connected"),
                    "stopped before it has begun");
        }
    }
}
