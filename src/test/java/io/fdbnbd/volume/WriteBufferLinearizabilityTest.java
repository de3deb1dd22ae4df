package io.fdbnbd.volume;

import io.fdbnbd.metrics.Meter;
import io.fdbnbd.util.ByteBudget;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.jetbrains.lincheck.datastructures.StressOptions;
import org.junit.jupiter.api.Test;

/**
 * The write buffer with its queue of announcements, and a store of a few bytes, under connections and a committer at
 * once: Lincheck draws what they do, lets them do it on real threads a thousand times over, and searches for an order of
 * all calls in which two plain bytes a block would have answered the same.
 *
 * <p>Stress and not model checking: the latter takes minutes for a buffer that allocates, locks and queues as this one
 * does. Schedules that stress does not meet are the simulation's.
 */
@Param(name = "block", gen = IntGen.class, conf = "0:1")
@Param(name = "half", gen = IntGen.class, conf = "0:1")
@Param(name = "value", gen = IntGen.class, conf = "1:9")
public class WriteBufferLinearizabilityTest {

    private static final int BLOCKS = 2;
    private static final int HALVES = 2;
    private static final int HALF_BYTES = 256;
    private static final int BLOCK_BYTES = HALVES * HALF_BYTES;

    private static final int SCENARIOS = 80;
    private static final int RUNS = 200;

    private static final VolumeInfo INFO =
            new VolumeInfo("v", BLOCKS * BLOCK_BYTES, BLOCK_BYTES, Compression.NONE, Instant.EPOCH, 1);

    private final Announcements announcements = new Announcements(1 << 10, Integer.MAX_VALUE);
    private final WriteBuffer buffer = new WriteBuffer(
            new Geometry(BLOCKS * BLOCK_BYTES, BLOCK_BYTES),
            new BlockCodec(1, BLOCK_BYTES, Compression.NONE),
            new ByteBudget(1 << 20).share(1 << 19, 1 << 20),
            announcements,
            new ReadAhead(INFO, 0, Duration.ZERO, new Semaphore(1), (offset, dst) -> {}, Runnable::run, () -> 0),
            new BlockArrays(),
            Meter.NONE);

    /** One block's array is replaced as a store replaces a value: at once. */
    private final AtomicReferenceArray<byte[]> stored =
            new AtomicReferenceArray<>(new byte[][] {new byte[BLOCK_BYTES], new byte[BLOCK_BYTES]});

    // The committer's.
    private List<DirtyBlock> waiting = new ArrayList<>();
    private final List<DirtyBlock> flying = new ArrayList<>();
    private final List<DirtyClear> flyingClears = new ArrayList<>();

    @Operation
    public void write(@Param(name = "block") int block, @Param(name = "value") int value) throws VolumeException {
        put((long) block * BLOCK_BYTES, BLOCK_BYTES, value);
    }

    @Operation
    public void writeHalf(
            @Param(name = "block") int block, @Param(name = "half") int half, @Param(name = "value") int value)
            throws VolumeException {
        put((long) block * BLOCK_BYTES + (long) half * HALF_BYTES, HALF_BYTES, value);
    }

    private void put(long offset, int length, int value) throws VolumeException {
        byte[] bytes = new byte[length];
        Arrays.fill(bytes, (byte) value);
        buffer.write(offset, ByteBuffer.wrap(bytes), null, () -> true);
    }

    @Operation
    public void clear() throws VolumeException {
        buffer.clear(0, BLOCKS, null, () -> true);
    }

    @Operation
    public int read(@Param(name = "block") int block, @Param(name = "half") int half) throws VolumeException {
        long offset = (long) block * BLOCK_BYTES + (long) half * HALF_BYTES;
        ByteBuffer dst = ByteBuffer.allocate(HALF_BYTES);
        ReadRemainder remainder = buffer.read(offset, HALF_BYTES, dst, 0);
        if (remainder != null) {
            if (!remainder.runs().isEmpty()) {
                dst.put(0, stored.get(block), half * HALF_BYTES, HALF_BYTES);
            }
            buffer.overlayPartial(remainder, offset, HALF_BYTES, dst, 0);
        }
        return dst.get(HALF_BYTES - 1);
    }

    /** What the committer does before a commit, and at the end of one. */
    @Operation(nonParallelGroup = "committer")
    public void launch() {
        announcements.drain(blocks -> waiting.addAll(List.of(blocks)));
        List<DirtyClear> clears = buffer.launchClears(8);
        List<DirtyBlock> partial = buffer.partialAmong(waiting);
        buffer.fill(partial, partial.stream().map(this::base).toList());
        List<DirtyBlock> deferred = new ArrayList<>();
        buffer.launchBlocks(waiting, clears, flying, deferred);
        waiting = deferred;
        flyingClears.addAll(clears);
    }

    private byte[] base(DirtyBlock block) {
        byte[] base = new byte[BlockCodec.HEADER_BYTES + BLOCK_BYTES];
        System.arraycopy(stored.get((int) block.number()), 0, base, BlockCodec.HEADER_BYTES, BLOCK_BYTES);
        return base;
    }

    @Operation(nonParallelGroup = "committer")
    public void commit() {
        for (DirtyClear clear : flyingClears) {
            for (long block = clear.first(); block < clear.end(); block++) {
                stored.set((int) block, new byte[BLOCK_BYTES]);
            }
        }
        for (DirtyBlock block : flying) {
            byte[] bytes = block.bytes();
            stored.set((int) block.number(), Arrays.copyOfRange(bytes, BlockCodec.HEADER_BYTES, bytes.length));
        }
        buffer.land(flyingClears, flying);
        flyingClears.clear();
        flying.clear();
    }

    /** What all of it comes to. */
    public static final class Halves {
        private final int[][] values = new int[BLOCKS][HALVES];

        public void write(int block, int value) {
            Arrays.fill(values[block], value);
        }

        public void writeHalf(int block, int half, int value) {
            values[block][half] = value;
        }

        public void clear() {
            write(0, 0);
            write(1, 0);
        }

        public int read(int block, int half) {
            return values[block][half];
        }

        public void launch() {}

        public void commit() {}
    }

    @Test
    void connectionsAndACommitterSeeOneOrder() {
        new StressOptions()
                .iterations(SCENARIOS)
                .invocationsPerIteration(RUNS)
                .threads(3)
                .actorsPerThread(4)
                .actorsBefore(4)
                .actorsAfter(4)
                .sequentialSpecification(Halves.class)
                .check(WriteBufferLinearizabilityTest.class);
    }
}
