package io.fdbnbd.volume;

import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * One run of the real volume code in a world that follows from a seed: servers come, their clients write, zero, read and
 * flush, servers stop, die, lose their power or are displaced by others, while the store answers late, in any order, with
 * errors, or not at all; and the {@link History} judges every answer and every commit. At the end everything is read.
 */
final class Simulation {

    private static final long STEPS_MAX = 2_000_000;

    private final SeededScheduler scheduler;
    private final SplittableRandom random;
    private final SimulationPlan plan;
    private final SimulatedDatabase database;
    private int servers;

    Simulation(long seed, boolean tracing) {
        this.scheduler = new SeededScheduler(seed, tracing);
        this.random = scheduler.random();
        this.plan = SimulationPlan.draw(random);
        this.database = new SimulatedDatabase(scheduler, plan);
    }

    /**
     * Runs it. Once.
     *
     * @return a number that is the same whenever the same happens
     * @throws AssertionError if something happened that must not
     */
    long run() {
        scheduler.run("director", this::direct, STEPS_MAX);
        return scheduler.hash();
    }

    SimulationPlan plan() {
        return plan;
    }

    List<String> trace() {
        return scheduler.trace();
    }

    private void direct() {
        try {
            create();
            SimulatedServer server = newServer(false);
            for (int round = 0; round < plan.rounds(); round++) {
                CountDownLatch ended = server.startClients(1 + random.nextInt(4), 1 + random.nextInt(24));
                switch (random.nextInt(5)) {
                    case 0 -> ended.await();
                    case 1 -> {
                        pause();
                        server.stop(ended);
                        server = newServer(false);
                    }
                    case 2, 3 -> {
                        pause();
                        server.store().die();
                        if (!plan.isShared() && random.nextBoolean()) {
                            database.losePower();
                        }
                        server = newServer(random.nextBoolean());
                    }
                    default -> server = displace(server, ended);
                }
            }
            server.stop(new CountDownLatch(0));
            readAll();
        } catch (VolumeException | InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private void create() throws VolumeException {
        SimulatedServer first = newServer(false);
        first.store().heal();
        first.volumes().catalog().create(plan.spec(SimulatedServer.NAME));
        first.volumes().close();
    }

    private SimulatedServer newServer(boolean takesOver) {
        return new SimulatedServer(servers++, scheduler, database, plan, takesOver);
    }

    private void pause() {
        scheduler.sleep(random.nextLong(1L << random.nextInt(10, plan.delayBits() + 8)));
    }

    /** Two servers fight for the volume, where the store lets them. The second goes on alone. */
    private SimulatedServer displace(SimulatedServer server, CountDownLatch ended) throws InterruptedException {
        if (!plan.isShared()) {
            ended.await();
            return server;
        }
        pause();
        SimulatedServer other = newServer(true);
        CountDownLatch othersEnded = other.startClients(1 + random.nextInt(3), 1 + random.nextInt(16));
        if (random.nextBoolean()) {
            othersEnded.await();
        } else {
            pause();
        }
        if (random.nextBoolean()) {
            server.store().die();
        } else {
            server.stop(ended);
        }
        othersEnded.await();
        return other;
    }

    /** At the end nothing fails any more: everything can be read, and then everything is stored. */
    private void readAll() throws VolumeException {
        SimulatedServer last = newServer(true);
        last.store().heal();
        // Whatever is still under way arrives before.
        scheduler.sleep(TimeUnit.HOURS.toNanos(1));
        SimulatedClient client = new SimulatedClient(last, scheduler, plan);
        try (Attachment attachment = last.attach()) {
            SimulatedDatabase.Branch branch = last.store().branch();
            client.read(attachment.volume(), branch, 0, plan.unitCount());
            client.flush(attachment.volume(), branch);
            client.read(attachment.volume(), branch, 0, plan.unitCount());
        }
        if (!database.isFree()) {
            throw scheduler.violated("a volume that was closed without trouble was not let go");
        }
    }
}
