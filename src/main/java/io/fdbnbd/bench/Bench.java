package io.fdbnbd.bench;

import io.fdbnbd.client.NbdConnection;
import io.fdbnbd.client.NbdUri;
import io.fdbnbd.metrics.Meter;
import io.fdbnbd.util.Closer;
import java.io.IOException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** One run of the load generator. */
public final class Bench {
    private static final Duration HANDSHAKE_DEADLINE = Duration.ofSeconds(10);

    /** After the end, for what was sent and not answered. */
    private static final Duration DRAIN_MAX = Duration.ofSeconds(10);

    private static final Duration LOOK_INTERVAL = Duration.ofMillis(250);

    /** Told how far it is, a few times a second. */
    public interface Watcher {

        /**
         * Looks.
         *
         * @param part of the whole time that has passed, 0 to 1
         * @param requests that were answered so far
         * @param bytes payload of them
         */
        void look(double part, long requests, long bytes);
    }

    /** Where what is measured goes to as well. */
    public interface MeterSource {

        /** Called once, when the server has answered. */
        Meter open() throws IOException;
    }

    private final NbdUri uri;
    private final BenchPlan plan;
    private final BenchClock clock;
    private final InstantSource wallClock;
    private final MeterSource meters;
    private final CountDownLatch stop = new CountDownLatch(1);
    private final ReentrantLock lock = new ReentrantLock();

    /** Guarded by lock: who waits for the server to answer. */
    private @Nullable Thread connecting;

    public Bench(NbdUri uri, BenchPlan plan, BenchClock clock, InstantSource wallClock, MeterSource meters) {
        this.uri = uri;
        this.plan = plan;
        this.clock = clock;
        this.wallClock = wallClock;
        this.meters = meters;
    }

    /** Ends the run soon, with what there is. Any thread. */
    public void stop() {
        lock.lock();
        try {
            stop.countDown();
            if (connecting != null) {
                connecting.interrupt();
            }
        } finally {
            lock.unlock();
        }
    }

    /**
     * Runs it, once.
     *
     * @throws UnsuitableExportException if the export does not allow what is planned
     * @throws IOException if the server cannot be reached or refuses, or it was stopped before that is known; what fails
     *     later is in the result
     */
    public BenchResult run(Watcher watcher) throws IOException, InterruptedException {
        try (Closer closer = new Closer()) {
            List<NbdConnection> connections = connect(closer);
            Meter meter = meters.open();
            CountDownLatch done = new CountDownLatch(plan.connections());
            Content content = new Content(plan);
            Lane.Setting setting = new Lane.Setting(plan, content, clock, meter, clock.nanoTime(), stop, done);
            BenchResult.Start start = new BenchResult.Start(
                    uri,
                    connections.getFirst().export(),
                    plan,
                    wallClock.instant().plus(plan.warmup()));
            List<Lane> lanes = new ArrayList<>();
            for (NbdConnection connection : connections) {
                lanes.add(new Lane(connection, setting, lanes.size()));
            }
            lanes.forEach(Lane::start);
            await(setting, lanes, watcher);
            lanes.forEach(Lane::join);
            return BenchResult.of(start, setting, lanes);
        }
    }

    private List<NbdConnection> connect(Closer closer) throws IOException {
        setConnecting(Thread.currentThread());
        try {
            List<NbdConnection> connections = new ArrayList<>();
            while (connections.size() < plan.connections()) {
                if (stop.getCount() == 0) {
                    throw new IOException(uri + ": stopped before it was connected");
                }
                NbdConnection connection = closer.register(NbdConnection.open(uri, HANDSHAKE_DEADLINE));
                plan.requireFits(connection.export());
                connections.add(connection);
            }
            return connections;
        } finally {
            setConnecting(null);
        }
    }

    private void setConnecting(@Nullable Thread thread) {
        lock.lock();
        try {
            connecting = thread;
            if (thread == null && stop.getCount() == 0) {
                Thread.interrupted(); // it was meant for the connecting, which is over
            }
        } finally {
            lock.unlock();
        }
    }

    private void await(Lane.Setting setting, List<Lane> lanes, Watcher watcher) throws InterruptedException {
        long all = setting.endNanos() - setting.startNanos();
        long end = setting.endNanos() + (plan.isOpenLoop() ? Sender.CATCH_UP_MAX.toNanos() : 0);
        boolean stopped = false;
        while (!setting.done().await(LOOK_INTERVAL.toMillis(), TimeUnit.MILLISECONDS)) {
            long now = clock.nanoTime();
            if (!stopped && stop.getCount() == 0) {
                stopped = true;
                end = now;
            }
            if (now - end >= DRAIN_MAX.toNanos()) {
                lanes.forEach(Lane::giveUp);
            }
            watcher.look(
                    Math.clamp((double) (now - setting.startNanos()) / all, 0, 1),
                    lanes.stream().mapToLong(lane -> lane.tally().done()).sum(),
                    lanes.stream().mapToLong(lane -> lane.tally().bytes()).sum());
        }
    }
}
