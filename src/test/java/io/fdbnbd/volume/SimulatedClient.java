package io.fdbnbd.volume;

import io.fdbnbd.volume.SimulatedDatabase.Branch;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;

/** One simulated connection: does one thing after the other and tells the {@link History}. */
final class SimulatedClient {

    private static final byte GARBAGE = 0x5a;

    private final SimulatedServer server;
    private final SeededScheduler scheduler;
    private final SimulationPlan plan;
    private final SplittableRandom random;

    SimulatedClient(SimulatedServer server, SeededScheduler scheduler, SimulationPlan plan) {
        this.server = server;
        this.scheduler = scheduler;
        this.plan = plan;
        this.random = scheduler.random();
    }

    void run(int operations) {
        int left = operations;
        while (left > 0 && !server.isOver()) {
            try (Attachment attachment = server.attach()) {
                Branch branch = server.store().branch();
                scheduler.event("attached", 0, 0);
                for (int stay = 1 + random.nextInt(operations); stay > 0 && left > 0 && !server.isOver(); stay--) {
                    left--;
                    step(attachment.volume(), branch);
                }
            } catch (VolumeException e) {
                scheduler.event("is told " + e.kind(), 0, 0);
                server.check(e);
                if (e.kind() == VolumeException.Kind.BUSY) {
                    return;
                }
                left--;
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    private void step(Volume volume, Branch branch) throws VolumeException, InterruptedException {
        if (random.nextInt(4) == 0) {
            scheduler.sleep(plan.delayNanos(random));
        }
        switch (random.nextInt(16)) {
            case 0, 1 -> flush(volume, branch);
            case 2, 3 -> put(volume, branch, 0, volume.answersWhenCommitted(), false);
            case 4 -> put(volume, branch, stamp(), true, true);
            case 5, 6, 7, 8, 9 -> put(volume, branch, stamp(), volume.answersWhenCommitted(), false);
            default -> {
                int first = random.nextInt(plan.unitCount());
                read(volume, branch, first, end(first));
            }
        }
    }

    private long stamp() {
        return random.nextLong(1, Long.MAX_VALUE);
    }

    private int end(int first) {
        int most = switch (random.nextInt(8)) {
            case 0 -> plan.unitCount();
            case 1, 2, 3 -> 3 * plan.unitsPerBlock();
            default -> 2;
        };
        return Math.min(plan.unitCount(), first + 1 + random.nextInt(most));
    }

    void flush(Volume volume, Branch branch) throws VolumeException {
        long began = branch.history.beginFlush();
        scheduler.event("flush", began, 0);
        volume.flush();
        if (!server.store().isDead()) {
            branch.history.endFlush(began);
            scheduler.event("flushed", began, 0);
        }
    }

    /** @param stamp 0 for zeroes */
    private void put(Volume volume, Branch branch, long stamp, boolean committed, boolean isSynced)
            throws VolumeException, InterruptedException {
        int first = random.nextInt(plan.unitCount());
        int end = end(first);
        long id = branch.history.beginWrite(stamp, first, end);
        scheduler.event("write " + stamp, first, end);
        boolean answered = false;
        try {
            Fate fate = committed || random.nextBoolean() ? new Fate() : null;
            long offset = (long) first * plan.unitBytes();
            int length = (end - first) * plan.unitBytes();
            if (stamp == 0) {
                volume.zero(offset, length, fate);
            } else {
                ByteBuffer src = ByteBuffer.allocate(length);
                UnitContent.put(src, end - first, plan.unitBytes(), stamp);
                volume.write(offset, src.flip(), fate);
                // It was copied, so it may be used again.
                Arrays.fill(src.array(), GARBAGE);
            }
            if (committed && fate != null) {
                fate.await();
                if (isSynced) {
                    volume.sync();
                }
            }
            answered = !server.store().isDead();
        } finally {
            if (answered) {
                branch.history.endWrite(id, committed, isSynced);
                scheduler.event("written " + stamp, first, end);
            } else {
                branch.history.giveUpWrite(id);
            }
        }
    }

    /** Whether a write has committed. */
    private final class Fate implements CommitListener {
        private final CountDownLatch told = new CountDownLatch(1);
        private @Nullable VolumeException failure;

        @Override
        public void committed(@Nullable VolumeException cause) {
            if (told.getCount() == 0) {
                throw scheduler.violated("a write was told twice how it ended");
            }
            failure = cause;
            told.countDown();
        }

        void await() throws InterruptedException, VolumeException {
            told.await();
            if (failure != null) {
                throw failure;
            }
        }
    }

    /** Reads the units from {@code first} to {@code end}. */
    void read(Volume volume, Branch branch, int first, int end) throws VolumeException {
        int length = (end - first) * plan.unitBytes();
        ByteBuffer dst = ByteBuffer.allocate(length);
        Arrays.fill(dst.array(), GARBAGE);
        long id = branch.history.beginRead();
        scheduler.event("read", first, end);
        boolean answered = false;
        try {
            long offset = (long) first * plan.unitBytes();
            if (random.nextInt(3) == 0) {
                volume.readAhead(offset);
            }
            if (random.nextBoolean() || !volume.tryRead(offset, dst)) {
                volume.read(offset, dst);
            }
            answered = !server.store().isDead();
        } finally {
            if (!answered) {
                branch.history.giveUpRead(id);
            }
        }
        if (answered) {
            long[] stamps = new long[end - first];
            for (int i = 0; i < stamps.length; i++) {
                stamps[i] = UnitContent.stamp(dst, i * plan.unitBytes(), plan.unitBytes());
                scheduler.event("is", first + i, stamps[i]);
            }
            branch.history.endRead(id, first, stamps);
        }
    }
}
