package io.fdbnbd.volume;

import io.fdbnbd.store.Batch;
import io.fdbnbd.store.Batches;
import io.fdbnbd.store.Guard;
import io.fdbnbd.store.KeyRange;
import io.fdbnbd.store.RowVisitor;
import io.fdbnbd.store.Store;
import io.fdbnbd.store.StoreException;
import io.fdbnbd.store.StoreException.Kind;
import io.fdbnbd.store.StoreLimits;
import io.fdbnbd.volume.SimulatedDatabase.Branch;
import io.fdbnbd.volume.SimulatedDatabase.Version;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * One server's view of the {@link SimulatedDatabase}: calls take their time, come out of order, fail, or leave open what
 * they did, as {@link StoreException.Kind} allows. Once the server is dead nothing that it does counts; what it had sent
 * before may still arrive.
 *
 * <p>Watches that no two batches that may still land hold the same block, and that data is read and written under guards
 * alone.
 */
final class SimulatedStore implements Store {

    /** A batch of data that may still land. */
    private record UnderWay(Set<Long> blocks, Guard guard) {}

    private final int number;
    private final SeededScheduler scheduler;
    private final SimulatedDatabase database;
    private final SimulationPlan plan;
    private final SplittableRandom random;
    private final List<UnderWay> underWay = new ArrayList<>();
    private long ownNumber;
    private long outageUntil;
    private boolean isHealthy;
    private boolean isDead;
    private @Nullable Branch branch;

    SimulatedStore(int number, SeededScheduler scheduler, SimulatedDatabase database, SimulationPlan plan) {
        this.number = number;
        this.scheduler = scheduler;
        this.database = database;
        this.plan = plan;
        this.random = scheduler.random();
    }

    int number() {
        return number;
    }

    /** From now on nothing fails. */
    void heal() {
        isHealthy = true;
    }

    /** The server's process ends, at once. */
    void die() {
        scheduler.event("dies", number, 0);
        isDead = true;
    }

    boolean isDead() {
        return isDead;
    }

    /** This server has become the owner. */
    void enter(Branch entered) {
        branch = entered;
    }

    boolean livesIn(Branch other) {
        return other.equals(branch);
    }

    /** What counts for the volume that this server has open. */
    Branch branch() {
        Branch entered = branch;
        if (entered == null) {
            throw scheduler.violated("server " + number + " has a volume open that it never owned");
        }
        return entered;
    }

    @Override
    public boolean isShared() {
        return plan.isShared();
    }

    @Override
    public StoreLimits limits() {
        return plan.limits();
    }

    @Override
    public Executor executor() {
        return task -> scheduler.start("io-" + number, task);
    }

    @Override
    public void commit(Batch batch) throws StoreException {
        UnderWay flight = begin(batch);
        try {
            travel();
            long landed = commitNow(batch, flight);
            travel();
            ownNumber = Math.max(ownNumber, landed);
        } catch (StoreException e) {
            if (e.kind() == Kind.UNRESOLVED_OUTCOME && flight != null) {
                underWay.add(flight);
            }
            throw e;
        } finally {
            if (flight != null) {
                underWay.remove(flight);
            }
        }
        checkAlive();
    }

    /** Returns the version that has it. */
    private long commitNow(Batch batch, @Nullable UnderWay flight) throws StoreException {
        if (isDead) {
            // What was sent arrives or not; where the store was in the process, it is gone with that.
            if (plan.isShared() && random.nextBoolean()) {
                land(batch);
            }
            checkAlive();
        }
        if (isOut()) {
            throw failure(Kind.RETRYABLE);
        }
        int fate = isHealthy ? 1000 : random.nextInt(1000);
        SimulationPlan.Faults faults = plan.faults();
        if ((fate -= faults.retryable()) < 0) {
            throw failure(Kind.RETRYABLE);
        }
        if ((fate -= faults.unknown()) < 0) {
            if (random.nextBoolean()) {
                land(batch);
            }
            throw failure(Kind.UNKNOWN_OUTCOME);
        }
        if ((fate -= faults.unresolved()) < 0) {
            leaveUnresolved(batch);
            throw failure(Kind.UNRESOLVED_OUTCOME);
        }
        if (flight != null && (fate - faults.fatal()) < 0) {
            throw failure(random.nextBoolean() ? Kind.FATAL : Kind.NO_SPACE);
        }
        if (!database.apply(this, batch)) {
            throw failure(Kind.GUARD_LOST);
        }
        return database.newest().number();
    }

    /** It has landed, lands later, or never. */
    private void leaveUnresolved(Batch batch) {
        switch (random.nextInt(4)) {
            case 0 -> land(batch);
            case 1 -> {}
            default -> {
                Batch sent = Batches.copyOf(batch);
                scheduler.after(random.nextLong(1L << random.nextInt(10, 27)), () -> land(sent));
            }
        }
    }

    private void land(Batch batch) {
        database.apply(this, batch);
    }

    private @Nullable UnderWay begin(Batch batch) throws StoreException {
        checkAlive();
        Set<Long> blocks = new HashSet<>();
        batch.forEach(new Batch.Operations() {
            @Override
            public void set(byte[] key, byte[] value) {
                clear(key);
            }

            @Override
            public void clear(byte[] key) {
                if (key[0] == 'D') {
                    blocks.add(Keys.blockOf(key));
                }
            }

            @Override
            public void clearRange(byte[] begin, byte[] end) {
                for (long block = Keys.blockOf(begin); begin[0] == 'D' && block < Keys.blockOf(end); block++) {
                    blocks.add(block);
                }
            }

            // Two that change a page of the map may be under way: each has the bits of its own blocks.
            @Override
            public void setBits(byte[] key, byte[] bits) {}

            @Override
            public void clearBits(byte[] key, byte[] bits) {}
        });
        if (blocks.isEmpty()) {
            return null;
        }
        if (batch.guards().isEmpty()) {
            throw scheduler.violated("data is committed without a guard");
        }
        scheduler.event("commit", number, blocks.size());
        underWay.removeIf(other -> !database.newest().holds(other.guard));
        for (UnderWay other : underWay) {
            if (blocks.stream().anyMatch(other.blocks::contains)) {
                throw scheduler.violated("two batches that may land hold a block of " + blocks);
            }
        }
        UnderWay flight = new UnderWay(blocks, batch.guards().getFirst());
        underWay.add(flight);
        return flight;
    }

    @Override
    public void read(@Nullable Guard guard, List<KeyRange> ranges, RowVisitor visitor) throws StoreException {
        checkAlive();
        byte kind = ranges.getFirst().begin()[0];
        if (kind == 'D' && guard == null) {
            throw scheduler.violated("data is read without a guard");
        }
        long oldest = guard == null ? database.newest().number() : oldestFor();
        travel();
        checkAlive();
        // The catalog waits by the machine's clock between its attempts.
        if ((kind == 'D' || kind == 'O' || kind == 'L') && fails(plan.faults().readRetryable())) {
            throw failure(Kind.RETRYABLE);
        }
        List<Map.Entry<byte[], byte[]>> rows = collect(guard, ranges, oldest);
        travel();
        checkAlive();
        for (Map.Entry<byte[], byte[]> row : rows) {
            visitor.row(row.getKey(), row.getValue());
        }
    }

    private long oldestFor() {
        long age = plan.limits().guardAgeMax().toNanos();
        return Math.max(ownNumber, database.numberAt(scheduler.nanoTime() - age));
    }

    /** From any version that may answer: one not older than {@code oldest}, in which the guard holds. */
    private List<Map.Entry<byte[], byte[]>> collect(@Nullable Guard guard, List<KeyRange> ranges, long oldest)
            throws StoreException {
        List<Version> versions = database.versionsFrom(oldest).stream()
                .filter(version -> guard == null || version.holds(guard))
                .toList();
        if (versions.isEmpty()) {
            throw failure(Kind.GUARD_LOST);
        }
        return versions.get(random.nextInt(versions.size())).collect(ranges);
    }

    @Override
    public boolean tryRead(@Nullable Guard guard, List<KeyRange> ranges, RowVisitor visitor) throws StoreException {
        checkAlive();
        if (fails(plan.faults().refusedNow())) {
            return false;
        }
        for (Map.Entry<byte[], byte[]> row : collect(guard, ranges, oldestFor())) {
            visitor.row(row.getKey(), row.getValue());
        }
        return true;
    }

    @Override
    public void sync() throws StoreException {
        checkAlive();
        long covered = database.newest().number();
        travel();
        checkAlive();
        if (fails(plan.faults().syncRetryable())) {
            throw failure(Kind.RETRYABLE);
        }
        if (!plan.isShared()) {
            scheduler.event("synced", number, covered);
            database.sync(covered);
        }
        travel();
        checkAlive();
    }

    private boolean fails(int perMille) {
        return isOut() || (!isHealthy && random.nextInt(1000) < perMille);
    }

    /** Whether the store is away, for this server, for a while. */
    private boolean isOut() {
        if (!isHealthy && random.nextInt(1000) < plan.faults().outages()) {
            outageUntil = scheduler.nanoTime() + random.nextLong(1L << random.nextInt(10, 30));
        }
        return !isHealthy && scheduler.nanoTime() < outageUntil;
    }

    private void travel() {
        scheduler.sleep(plan.delayNanos(random));
    }

    private void checkAlive() throws StoreException {
        if (isDead) {
            throw new StoreException(Kind.FATAL, "the server is dead");
        }
    }

    private StoreException failure(Kind kind) {
        scheduler.event("fails " + kind, number, 0);
        return new StoreException(kind, "simulated: " + kind);
    }

    @Override
    public void close() {}
}
