package io.fdbnbd.volume;

import io.fdbnbd.metrics.Meter;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.LockSupport;

/** One simulated process: the real {@link Volumes} on a {@link SimulatedStore}, and its clients. */
final class SimulatedServer {

    static final String NAME = "v";

    private static final int ATTACH_ATTEMPTS_MAX = 5;

    private final int number;
    private final SeededScheduler scheduler;
    private final SimulatedDatabase database;
    private final SimulationPlan plan;
    private final SimulatedStore store;
    private final Volumes volumes;
    private boolean isStopping;

    SimulatedServer(
            int number, SeededScheduler scheduler, SimulatedDatabase database, SimulationPlan plan, boolean takesOver) {
        this.number = number;
        this.scheduler = scheduler;
        this.database = database;
        this.plan = plan;
        this.store = new SimulatedStore(number, scheduler, database, plan);
        Environment environment = new Environment(
                scheduler::nanoTime,
                () -> new Pauses(20),
                () -> new Pauses(24),
                duration -> scheduler.sleep(duration.toNanos()),
                (name, virtual, work) -> scheduler.start(name, work));
        try {
            this.volumes = new Volumes(store, plan.options(takesOver), environment, name -> Meter.NONE);
        } catch (VolumeException e) {
            throw scheduler.violated("a server does not start: " + e.getMessage());
        }
    }

    /** Pauses of up to two to some power of nanoseconds. */
    private final class Pauses implements Backoff {
        private final int bits;
        private final Set<Thread> pausing = new LinkedHashSet<>();
        private boolean closed;

        Pauses(int bits) {
            this.bits = bits;
        }

        @Override
        public void pause(int attempt) throws VolumeException {
            pausing.add(Thread.currentThread());
            scheduler.sleep(scheduler.random().nextLong(1L << bits), () -> closed);
            pausing.remove(Thread.currentThread());
            if (closed) {
                throw new VolumeException(VolumeException.Kind.SHUTTING_DOWN, "closed");
            }
        }

        @Override
        public void close() {
            closed = true;
            pausing.forEach(LockSupport::unpark);
        }
    }

    Volumes volumes() {
        return volumes;
    }

    SimulatedStore store() {
        return store;
    }

    /** Whether its clients are to end. */
    boolean isOver() {
        return isStopping || store.isDead();
    }

    /** Starts clients; the latch opens when all have ended. */
    CountDownLatch startClients(int clients, int operations) {
        CountDownLatch ended = new CountDownLatch(clients);
        for (int client = 0; client < clients; client++) {
            scheduler.start("client-" + number + "-" + client, () -> {
                try {
                    new SimulatedClient(this, scheduler, plan).run(operations);
                } finally {
                    ended.countDown();
                }
            });
        }
        return ended;
    }

    /** The volume; fails as the volume does. */
    Attachment attach() throws VolumeException {
        for (int attempt = 1; ; attempt++) {
            try {
                Attachment attachment = volumes.attach(NAME);
                long silence = scheduler.nanoTime() - database.displacedAt();
                if (store.livesIn(database.owned())
                        && silence < plan.limits().guardAgeMax().toNanos()) {
                    throw scheduler.violated("a volume was attached while its owner before could still serve reads");
                }
                return attachment;
            } catch (VolumeException e) {
                check(e);
                if (attempt == ATTACH_ATTEMPTS_MAX || isOver()) {
                    throw e;
                }
            }
        }
    }

    /** A volume may fail, but not by its own fault. */
    void check(VolumeException failure) {
        if (failure.kind() == VolumeException.Kind.DAMAGED || failure.kind() == VolumeException.Kind.MISSING) {
            throw scheduler.violated("a volume failed: " + failure.getMessage());
        }
        for (Throwable cause = failure.getCause(); cause != null; cause = cause.getCause()) {
            if (cause instanceof RuntimeException || cause instanceof Error) {
                scheduler.fail(cause);
            }
        }
    }

    /** Lets the clients come to an end, and waits for them. */
    void stop(CountDownLatch clientsEnded) throws InterruptedException {
        scheduler.event("stops", number, 0);
        isStopping = true;
        volumes.refuseAttaching();
        clientsEnded.await();
        volumes.close();
    }
}
