package io.fdbnbd.volume;

import io.fdbnbd.metrics.Meter;
import io.fdbnbd.util.ByteBudget;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Semaphore;

/** A write buffer without a store: what was drained lands at once, as if it had committed. For one thread. */
final class DrainedBuffer {
    static final int BLOCK_BYTES = 4096;

    private static final long VOLUME_BYTES = 1L << 30;
    private static final int BUFFER_BYTES = 64 << 20;

    private final Announcements announcements = new Announcements(BUFFER_BYTES / BLOCK_BYTES, Integer.MAX_VALUE);
    private final WriteBuffer buffer = new WriteBuffer(
            new Geometry(VOLUME_BYTES, BLOCK_BYTES),
            new BlockCodec(1, BLOCK_BYTES, Compression.NONE),
            new ByteBudget(2 * BUFFER_BYTES).share(1 << 20, BUFFER_BYTES),
            announcements,
            new ReadAhead(
                    new VolumeInfo("v", VOLUME_BYTES, BLOCK_BYTES, Compression.NONE, Instant.EPOCH, 1),
                    0,
                    Duration.ZERO,
                    new Semaphore(1),
                    (offset, dst) -> {},
                    Runnable::run,
                    () -> 0),
            new BlockArrays(),
            Meter.NONE);

    /** Writes all of {@code src} from a byte of a block on. */
    void write(long block, int at, ByteBuffer src) throws VolumeException {
        buffer.write(block * BLOCK_BYTES + at, src.clear(), null, () -> true);
    }

    /** Returns how many blocks would have been stored. */
    int drain() {
        List<DirtyBlock> arrived = new ArrayList<>();
        announcements.drain(blocks -> arrived.addAll(List.of(blocks)));
        List<DirtyBlock> launched = new ArrayList<>(arrived.size());
        List<DirtyBlock> deferred = new ArrayList<>();
        buffer.launchBlocks(arrived, List.of(), launched, deferred);
        buffer.land(List.of(), launched);
        return launched.size();
    }
}
