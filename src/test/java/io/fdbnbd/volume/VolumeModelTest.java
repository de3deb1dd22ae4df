package io.fdbnbd.volume;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fdbnbd.store.FaultStore;
import io.fdbnbd.store.FaultStore.Call;
import io.fdbnbd.store.FaultStore.Fault;
import io.fdbnbd.store.Store;
import io.fdbnbd.store.StoreException.Kind;
import io.fdbnbd.store.memory.MemoryStore;
import io.fdbnbd.store.rocks.RocksStore;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Long random runs against models. {@code -Dfdbnbd.seed=N} replays one seed, {@code -Dfdbnbd.model.rounds=N} runs that
 * many times the usual number of seeds, each run ten times as long.
 */
class VolumeModelTest {

    private static final long SEED = 20261122;

    private static final int[] BLOCK_BYTES = {512, 4096, 65536};
    private static final long[] SIZE_BYTES = {(6 << 20) + 777, 8 << 20, (3 << 20) + 1, (7 << 20) - 511};

    /** What is underneath a run. */
    enum Under {
        MEMORY,
        ROCKS,
        FAULTS,
        PARALLEL,
        PARALLEL_FAULTS
    }

    /** One run. */
    record Run(long seed, Under under, int blockBytes, Compression compression, AckMode ackMode, long sizeBytes) {

        static Run of(long seed, Under under) {
            Random random = new Random(seed);
            return new Run(
                    seed,
                    under,
                    BLOCK_BYTES[random.nextInt(BLOCK_BYTES.length)],
                    List.of(Compression.values()).get(random.nextInt(3)),
                    random.nextBoolean() ? AckMode.BUFFERED : AckMode.COMMITTED,
                    SIZE_BYTES[random.nextInt(SIZE_BYTES.length)]);
        }

        VolumeSpec spec() {
            return new VolumeSpec(Rig.NAME, sizeBytes, blockBytes, compression);
        }
    }

    static List<Run> runs() {
        Long only = Long.getLong("fdbnbd.seed");
        int rounds = Integer.getInteger("fdbnbd.model.rounds", 1);
        List<Run> runs = new ArrayList<>();
        for (int round = 0; round < rounds; round++) {
            for (int blockBytes : BLOCK_BYTES) {
                for (Under under : Under.values()) {
                    Run run = Run.of(only == null ? SEED + runs.size() : only, under);
                    runs.add(new Run(run.seed, under, blockBytes, run.compression, run.ackMode, run.sizeBytes));
                }
            }
        }
        return runs;
    }

    private static int stretch() {
        return Integer.getInteger("fdbnbd.model.rounds", 1) > 1 ? 10 : 1;
    }

    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path directory;

    private @Nullable ParallelStore parallel;

    private Store open(Run run) throws Exception {
        parallel = null;
        return switch (run.under) {
            case MEMORY -> new MemoryStore();
            case ROCKS -> RocksStore.open(directory.resolve("store"));
            case FAULTS -> new FaultStore(new MemoryStore()).always(faults(run.seed));
            case PARALLEL -> parallel(run, false);
            case PARALLEL_FAULTS -> new FaultStore(parallel(run, true)).always(faults(run.seed));
        };
    }

    private ParallelStore parallel(Run run, boolean leavesUnresolved) {
        ParallelStore made = new ParallelStore(new MemoryStore(), run.seed, leavesUnresolved);
        parallel = made;
        return made;
    }

    /** Everything that passes, one call in ten. */
    private static FaultStore.Source faults(long seed) {
        Random random = new Random(seed);
        return call -> {
            if (random.nextInt(10) > 0 || call == Call.SYNC) {
                return Fault.NONE;
            }
            if (call == Call.READ || random.nextBoolean()) {
                return Fault.fail(Kind.RETRYABLE);
            }
            return random.nextBoolean() ? Fault.fail(Kind.UNKNOWN_OUTCOME) : Fault.appliedBut(Kind.UNKNOWN_OUTCOME);
        };
    }

    @ParameterizedTest
    @MethodSource("runs")
    void everyThreadReadsItsOwnBytes(Run run) throws Exception {
        System.out.println("VolumeModelTest: " + run);
        try (Rig rig = new Rig(open(run), run.spec(), Rig.options(run.ackMode, 2 << 20))) {
            OwnedBytes model = new OwnedBytes(rig, run.seed, 4);
            for (int phase = 0; phase < 4; phase++) {
                model.run(60 * stretch());
                model.compareWhole();
            }
            rig.detach();
            rig.attach();
            model.compareWhole();
            checkStored(rig);
        }
        checkParallel();
    }

    @ParameterizedTest
    @MethodSource("runs")
    void everySectorHoldsWhatItMay(Run run) throws Exception {
        System.out.println("VolumeModelTest: " + run);
        try (Rig rig = new Rig(open(run), run.spec(), Rig.options(run.ackMode, 2 << 20))) {
            for (int phase = 0; phase < 3 * stretch(); phase++) {
                SharedSectors model = new SharedSectors(rig, run.seed + phase, 4, 200);
                model.run();
                model.check();
            }
            checkStored(rig);
        }
        checkParallel();
    }

    private void checkParallel() {
        ParallelStore used = parallel;
        if (used != null) {
            assertNull(used.collision());
            assertTrue(used.commitsAtOnceMax() > 1, "the commits came one after the other");
        }
    }

    /** Every value decodes, none is all zeroes or lies outside, and nothing is left in the buffer. */
    private static void checkStored(Rig rig) throws Exception {
        rig.flush();
        assertEquals(0, rig.volume().dirtyBytes());
        VolumeInfo info = rig.info();
        StoredBlocks.check(rig.store, info);
    }
}
