package io.fdbnbd.volume;

import io.fdbnbd.store.Batch;
import io.fdbnbd.store.Bits;
import io.fdbnbd.store.Guard;
import io.fdbnbd.store.KeyRange;
import io.fdbnbd.store.StoreException;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What the simulated servers have in common: rows, in all the versions that may still be read or fallen back to, and the
 * {@link History} of the volume in them, which is told of every change. Knows who owns the volume, by the owner key.
 */
final class SimulatedDatabase {

    /** The rows from a moment on. Never changed. */
    record Version(long number, long time, NavigableMap<byte[], byte[]> rows) {

        boolean holds(Guard guard) {
            return Arrays.equals(rows.get(guard.key()), guard.value());
        }

        List<Map.Entry<byte[], byte[]>> collect(List<KeyRange> ranges) {
            List<Map.Entry<byte[], byte[]>> found = new ArrayList<>();
            for (KeyRange range : ranges) {
                rows.subMap(range.begin(), range.end()).entrySet().stream()
                        .limit(range.rowsMax())
                        .forEach(found::add);
            }
            return found;
        }
    }

    /** The history that a server lives in: the volume's own, or what it was when that server was displaced. */
    static final class Branch {
        History history;

        Branch(History history) {
            this.history = history;
        }
    }

    private final SeededScheduler scheduler;
    private final SimulationPlan plan;
    private final ArrayDeque<Version> versions = new ArrayDeque<>();
    private final History history;
    private long syncedNumber;
    private byte[] session = new byte[Owner.SESSION_BYTES];
    private byte @Nullable [] ownerValue;
    private long displacedAt = Long.MIN_VALUE / 2;
    private int ownerNumber;
    private Branch owned;
    private @Nullable BlockCodec codec;

    SimulatedDatabase(SeededScheduler scheduler, SimulationPlan plan) {
        this.scheduler = scheduler;
        this.plan = plan;
        this.history = new History(plan.unitCount(), plan.isShared(), scheduler::violated);
        this.owned = new Branch(history);
        versions.add(new Version(0, 0, new TreeMap<>(Arrays::compareUnsigned)));
    }

    Version newest() {
        return versions.getLast();
    }

    /** Those since a version, the newest last. */
    List<Version> versionsFrom(long number) {
        return versions.stream().filter(version -> version.number >= number).toList();
    }

    /** The newest version that was there at a time. */
    long numberAt(long time) {
        long number = versions.getFirst().number;
        for (Version version : versions) {
            if (version.time <= time) {
                number = version.number;
            }
        }
        return number;
    }

    /** When a server last took the volume from another one. */
    long displacedAt() {
        return displacedAt;
    }

    /** Whether nobody owns the volume: it was let go, or never attached. */
    boolean isFree() {
        return Arrays.equals(session, new byte[Owner.SESSION_BYTES]);
    }

    /** What counts for the server that owns the volume. */
    Branch owned() {
        return owned;
    }

    /** Applies a batch if its guards hold. */
    boolean apply(SimulatedStore by, Batch batch) {
        Version before = newest();
        if (!batch.guards().stream().allMatch(before::holds)) {
            scheduler.event("refused", by.number(), batch.operationCount());
            return false;
        }
        NavigableMap<byte[], byte[]> rows = new TreeMap<>(before.rows);
        Map<Long, byte @Nullable []> blocks = new TreeMap<>();
        each(batch, new Batch.Operations() {
            @Override
            public void set(byte[] key, byte[] value) {
                rows.put(key, value.clone());
                if (key[0] == 'D') {
                    blocks.put(Keys.blockOf(key), value);
                }
            }

            @Override
            public void clear(byte[] key) {
                rows.remove(key);
                if (key[0] == 'D') {
                    blocks.put(Keys.blockOf(key), null);
                }
            }

            @Override
            public void clearRange(byte[] begin, byte[] end) {
                rows.subMap(begin, end).clear();
                for (long block = Keys.blockOf(begin); begin[0] == 'D' && block < Keys.blockOf(end); block++) {
                    blocks.put(block, null);
                }
            }

            @Override
            public void setBits(byte[] key, byte[] bits) {
                rows.put(key, Bits.set(rows.get(key), bits));
            }

            @Override
            public void clearBits(byte[] key, byte[] bits) {
                byte[] left = Bits.clear(rows.get(key), bits);
                if (left == null) {
                    rows.remove(key);
                } else {
                    rows.put(key, left);
                }
            }
        });
        versions.add(new Version(before.number + 1, scheduler.nanoTime(), rows));
        prune();
        scheduler.event("applied", by.number(), batch.operationCount());
        noteOwner(by);
        noteBlocks(by, blocks);
        return true;
    }

    private static void each(Batch batch, Batch.Operations visitor) {
        try {
            batch.forEach(visitor);
        } catch (StoreException e) {
            throw new IllegalStateException(e);
        }
    }

    private void prune() {
        long keptFrom = plan.isShared()
                ? numberAt(scheduler.nanoTime() - plan.limits().guardAgeMax().toNanos())
                : syncedNumber;
        while (versions.getFirst().number < keptFrom) {
            versions.removeFirst();
        }
    }

    private void noteOwner(SimulatedStore by) {
        byte[] value = newest().rows.get(Keys.owner(SimulationPlan.LAYER));
        if (value == null || Arrays.equals(value, ownerValue)) {
            return;
        }
        ownerValue = value;
        byte[] next = Arrays.copyOf(value, Owner.SESSION_BYTES);
        if (Arrays.equals(next, session)) {
            scheduler.event("fenced", by.number(), 0);
            return;
        }
        boolean wasFree = isFree();
        session = next;
        if (isFree()) {
            // Let go: so everything that was answered is here.
            scheduler.event("released", by.number(), 0);
            owned.history.endFlush(owned.history.beginFlush());
            return;
        }
        scheduler.event("owned", by.number(), 0);
        if (!wasFree && by.number() != ownerNumber) {
            displacedAt = scheduler.nanoTime();
        }
        ownerNumber = by.number();
        owned.history = history.fork();
        owned = new Branch(history);
        by.enter(owned);
        history.restart(image(newest()));
    }

    private void noteBlocks(SimulatedStore by, Map<Long, byte @Nullable []> blocks) {
        if (!blocks.isEmpty() && !by.livesIn(owned)) {
            throw scheduler.violated("a commit of server " + by.number() + " landed, which does not own the volume");
        }
        blocks.forEach((block, value) -> {
            long[] stamps = stamps(block, value);
            for (int i = 0; i < stamps.length; i++) {
                history.store((int) (block * plan.unitsPerBlock()) + i, stamps[i]);
            }
        });
    }

    /** All batches applied until a version survive the loss of power from now on. */
    void sync(long number) {
        if (number > syncedNumber) {
            syncedNumber = number;
            prune();
            history.sync(image(versions.getFirst()));
        }
    }

    /** Falls back to any version since the last sync. */
    void losePower() {
        int kept = scheduler.random().nextInt(versions.size());
        Version left = versions.stream().skip(kept).findFirst().orElseThrow();
        scheduler.event("lost power", kept, versions.size());
        versions.clear();
        versions.add(left);
        syncedNumber = left.number;
        history.losePower(image(left));
    }

    /** What the newest version holds, once no owner can change it any more. */
    long[] image() {
        return image(newest());
    }

    private long[] image(Version version) {
        long[] image = new long[plan.unitCount()];
        byte[] end = Keys.data(SimulationPlan.LAYER, -1L);
        version.rows.subMap(Keys.data(SimulationPlan.LAYER, 0), end).forEach((key, value) -> {
            long block = Keys.blockOf(key);
            long[] stamps = stamps(block, value);
            System.arraycopy(stamps, 0, image, (int) (block * plan.unitsPerBlock()), stamps.length);
        });
        return image;
    }

    private long[] stamps(long block, byte @Nullable [] value) {
        int unit = plan.unitBytes();
        long[] stamps = new long[Math.min(plan.unitsPerBlock(), plan.unitCount() - (int) block * plan.unitsPerBlock())];
        if (value == null) {
            return stamps;
        }
        ByteBuffer content = ByteBuffer.allocate(plan.blockBytes());
        try {
            codec().decode(block, value, 0, plan.blockBytes(), content, 0);
        } catch (DamagedBlockException e) {
            throw scheduler.violated("block " + block + " is damaged in the store: " + e.getMessage());
        }
        for (int i = 0; i < stamps.length; i++) {
            stamps[i] = UnitContent.stamp(content, i * unit, unit);
            if (stamps[i] == UnitContent.TORN) {
                throw scheduler.violated("unit " + i + " of block " + block + " holds parts of two writes");
            }
        }
        return stamps;
    }

    private BlockCodec codec() {
        if (codec == null) {
            codec = new BlockCodec(SimulationPlan.LAYER, plan.blockBytes(), plan.compression());
        }
        return codec;
    }
}
