package io.fdbnbd.volume;

import io.fdbnbd.store.StoreLimits;
import java.time.Duration;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;

/**
 * What one seed simulates: each has other sizes and other troubles, many of them few, so that rare ones meet in some.
 *
 * @param isShared whether the store is like FoundationDB: shared by servers, many commits at once, synced when committed.
 *     Else it is like RocksDB: one server, one commit at a time, synced when told
 * @param unitBytes what writes are multiples of
 * @param delayBits calls of the store take up to two to this many nanoseconds
 * @param faults how many calls in a thousand meet what
 */
record SimulationPlan(
        boolean isShared,
        AckMode ackMode,
        Compression compression,
        int blockBytes,
        int unitBytes,
        int unitCount,
        int delayBits,
        StoreLimits limits,
        Faults faults,
        int rounds) {

    /** The first volume of a store has this. */
    static final int LAYER = 1;

    private static final int[] BLOCK_BYTES = {512, 512, 1024, 4096, 65536};

    /** Calls in a thousand. */
    record Faults(
            int retryable,
            int unknown,
            int unresolved,
            int fatal,
            int readRetryable,
            int syncRetryable,
            int refusedNow,
            int outages) {}

    static SimulationPlan draw(SplittableRandom random) {
        int blockBytes = BLOCK_BYTES[random.nextInt(BLOCK_BYTES.length)];
        int unitBytes = Math.max(64, blockBytes >> random.nextInt(4));
        int blocks = blockBytes == 65536 ? 40 : 12 + random.nextInt(24);
        int unitsPerBlock = blockBytes / unitBytes;
        boolean isShared = random.nextInt(3) > 0;
        return new SimulationPlan(
                isShared,
                random.nextInt(3) > 0 ? AckMode.BUFFERED : AckMode.COMMITTED,
                random.nextBoolean() ? Compression.NONE : Compression.LZ4,
                blockBytes,
                unitBytes,
                blocks * unitsPerBlock - random.nextInt(unitsPerBlock),
                8 + random.nextInt(16),
                limits(random, isShared, blockBytes),
                faults(random),
                1 + random.nextInt(5));
    }

    private static StoreLimits limits(SplittableRandom random, boolean isShared, int blockBytes) {
        long batch = 300L + blockBytes + (long) random.nextInt(6) * (blockBytes + 200);
        return new StoreLimits(
                32,
                blockBytes + 8,
                10_000_000,
                batch,
                isShared ? 2 + random.nextInt(7) : 1,
                (1 + random.nextInt(8)) * batch,
                (1 + random.nextInt(6)) * (blockBytes + 80),
                random.nextInt(3) * ReadAhead.PIECE_BYTES,
                isShared && random.nextBoolean() ? Duration.ofMillis(1 + random.nextInt(50)) : Duration.ZERO);
    }

    private static Faults faults(SplittableRandom random) {
        return new Faults(
                rate(random, 150),
                rate(random, 200),
                rate(random, 200),
                random.nextInt(8) == 0 ? 20 : 0,
                rate(random, 200),
                rate(random, 300),
                rate(random, 1000),
                rate(random, 20));
    }

    private static int rate(SplittableRandom random, int most) {
        return random.nextBoolean() ? 0 : 1 + random.nextInt(most);
    }

    int unitsPerBlock() {
        return blockBytes / unitBytes;
    }

    long sizeBytes() {
        return (long) unitCount * unitBytes;
    }

    VolumeSpec spec(String name) {
        return new VolumeSpec(name, sizeBytes(), blockBytes, compression);
    }

    VolumeOptions options(boolean takeOver) {
        return new VolumeOptions(ackMode, 4 << 20, 2 << 20, Duration.ofMinutes(10), takeOver, UncleanPolicy.REFUSE);
    }

    /** How long something takes, mostly no time at all. */
    long delayNanos(SplittableRandom random) {
        return switch (random.nextInt(8)) {
            case 0, 1, 2 -> 0;
            case 3 -> TimeUnit.MICROSECONDS.toNanos(100);
            default -> random.nextLong(1L << random.nextInt(1, delayBits + 1));
        };
    }
}
