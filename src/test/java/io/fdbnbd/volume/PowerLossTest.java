package io.fdbnbd.volume;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import io.fdbnbd.store.rocks.PowerLossStore;
import io.fdbnbd.store.rocks.PowerLossStore.Loss;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A volume on RocksDB after the power has failed, at any moment and in every way that {@link PowerLossStore} knows: what
 * was flushed is there, and every sector is whole and something that was written since.
 */
class PowerLossTest {

    private static final long SEED = 20261123;
    private static final int GENERATIONS = 3;
    private static final int OPERATIONS_MAX = 1000;
    private static final int SECTOR_BYTES = 512;
    private static final int SECTORS = 6000;
    private static final int SECTORS_AT_ONCE_MAX = 160;
    private static final List<Loss> LOSSES = List.of(Loss.values());

    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path directory;

    /** What each sector may be: one of a list, the newest last. All but the newest were written since a flush. */
    private final List<List<Long>> sectors = new ArrayList<>();

    @ParameterizedTest
    @EnumSource(AckMode.class)
    void whatWasFlushedIsThereAfterTheLossOfPower(AckMode ackMode) throws Exception {
        long seed = Long.getLong("fdbnbd.seed", SEED);
        System.out.println("PowerLossTest: fdbnbd.seed=" + seed + " " + ackMode);
        Random random = new Random(seed);
        for (int sector = 0; sector < SECTORS; sector++) {
            sectors.add(new ArrayList<>(List.of(0L)));
        }
        Path now = directory.resolve("0");
        for (int generation = 1; generation <= GENERATIONS; generation++) {
            boolean last = generation == GENERATIONS;
            PowerLossStore store = PowerLossStore.open(now);
            try (Rig rig = open(store, ackMode)) {
                for (int i = last ? OPERATIONS_MAX : random.nextInt(OPERATIONS_MAX); i > 0; i--) {
                    step(rig, random);
                }
                assertTrue(!last || store.logsUsedAgain() > 0, "too few bytes for a log to be used again");
                for (Loss loss : LOSSES) {
                    store.copyAfter(loss, directory.resolve(generation + "-" + loss), random);
                }
            }
            PowerLossStore.delete(now);
            List<long[]> left = new ArrayList<>();
            for (Loss loss : LOSSES) {
                left.add(check(directory.resolve(generation + "-" + loss), loss, ackMode));
            }
            int kept = random.nextInt(left.size());
            now = directory.resolve(generation + "-" + LOSSES.get(kept));
            goOnFrom(left.get(kept));
        }
    }

    private static Rig open(PowerLossStore store, AckMode ackMode) throws VolumeException {
        VolumeSpec spec = new VolumeSpec(Rig.NAME, (long) SECTORS * SECTOR_BYTES, 4096, Compression.LZ4);
        return new Rig(store, spec, Rig.options(ackMode, 2 << 20));
    }

    private void step(Rig rig, Random random) throws Exception {
        int first = random.nextInt(SECTORS);
        int end = Math.min(SECTORS, first + 1 + random.nextInt(random.nextBoolean() ? 8 : SECTORS_AT_ONCE_MAX));
        switch (random.nextInt(20)) {
            case 0 -> {
                rig.volume().flush();
                keepNewest(0, SECTORS);
            }
            case 1 -> {
                put(rig, random.nextLong(), first, end, true);
                rig.volume().sync();
                keepNewest(first, end);
            }
            case 2, 3 -> put(rig, 0, first, end, rig.volume().answersWhenCommitted());
            default ->
                put(
                        rig,
                        random.nextLong() | random.nextInt(2),
                        first,
                        end,
                        rig.volume().answersWhenCommitted());
        }
    }

    private void put(Rig rig, long stamp, int first, int end, boolean committed) throws Exception {
        CompletableFuture<Boolean> fate = new CompletableFuture<>();
        CommitListener listener = failure -> fate.complete(failure == null);
        long offset = (long) first * SECTOR_BYTES;
        int length = (end - first) * SECTOR_BYTES;
        if (stamp == 0) {
            rig.volume().zero(offset, length, listener);
        } else {
            ByteBuffer src = ByteBuffer.allocate(length);
            UnitContent.put(src, end - first, SECTOR_BYTES, stamp);
            rig.volume().write(offset, src.flip(), listener);
        }
        for (int sector = first; sector < end; sector++) {
            sectors.get(sector).add(stamp);
        }
        if (committed && !fate.get(Rig.DEADLINE_SECONDS, TimeUnit.SECONDS)) {
            fail("a write was not committed");
        }
    }

    /** What came before can not come back. */
    private void keepNewest(int first, int end) {
        for (int sector = first; sector < end; sector++) {
            List<Long> values = sectors.get(sector);
            values.subList(0, values.size() - 1).clear();
        }
    }

    /** Opens what is left, and returns it. */
    private long[] check(Path left, Loss loss, AckMode ackMode) throws Exception {
        try (Rig rig = open(PowerLossStore.open(left), ackMode)) {
            ByteBuffer content = ByteBuffer.wrap(rig.read(0, SECTORS * SECTOR_BYTES));
            long[] stamps = new long[SECTORS];
            // Who is answered at the commit is safe when only the process dies.
            boolean newestOnly = loss == Loss.NONE && ackMode == AckMode.COMMITTED;
            for (int sector = 0; sector < SECTORS; sector++) {
                stamps[sector] = UnitContent.stamp(content, sector * SECTOR_BYTES, SECTOR_BYTES);
                List<Long> possible = sectors.get(sector);
                List<Long> wanted = newestOnly ? possible.subList(possible.size() - 1, possible.size()) : possible;
                if (!wanted.contains(stamps[sector])) {
                    fail("after " + left + " sector " + sector + " is " + stamps[sector] + " and not one of " + wanted);
                }
            }
            StoredBlocks.check(rig.store, rig.info());
            return stamps;
        }
    }

    private void goOnFrom(long[] stamps) {
        for (int sector = 0; sector < SECTORS; sector++) {
            sectors.get(sector).clear();
            sectors.get(sector).add(stamps[sector]);
        }
    }
}
