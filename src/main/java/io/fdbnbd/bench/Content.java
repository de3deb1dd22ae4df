package io.fdbnbd.bench;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * What is written: random bytes, of which the last part of every few kilobytes is zeros as far as they are to be
 * compressible. Every WRITE begins with bytes that no other has ({@link #STAMP_BYTES}), so a server that stores what is
 * equal once gains nothing. Shared by all connections, which only read it.
 */
final class Content {
    static final int STAMP_BYTES = Long.BYTES;

    /** What compressors of block stores work on. */
    private static final int UNIT_BYTES = 4096;

    private static final int POOL_BYTES_MIN = 8 << 20;

    /** Odd, and without a pattern: neighbours land far apart. */
    private static final long SCATTER = 0x9e3779b97f4a7c15L;

    private final ByteBuffer pool;
    private final int unitBytes;
    private final int blockBytes;

    Content(BenchPlan plan) {
        blockBytes = plan.blockBytes();
        unitBytes = Math.min(UNIT_BYTES, blockBytes);
        int bytes = plan.pattern().writes() ? POOL_BYTES_MIN + blockBytes : 0;
        pool = ByteBuffer.allocateDirect(bytes);
        SplittableRandom random = new SplittableRandom(plan.seed());
        byte[] unit = new byte[unitBytes];
        int randomBytes = unitBytes - unitBytes * plan.compressiblePercent() / 100;
        while (pool.remaining() >= unitBytes) {
            random.nextBytes(unit);
            Arrays.fill(unit, randomBytes, unitBytes, (byte) 0);
            pool.put(unit);
        }
        pool.rewind();
    }

    /** What follows the stamp, for a number that differs from WRITE to WRITE. */
    ByteBuffer afterStamp(long number) {
        int units = (pool.capacity() - blockBytes) / unitBytes;
        int unit = (int) Long.remainderUnsigned(number * SCATTER, units);
        return pool.slice(unit * unitBytes + STAMP_BYTES, blockBytes - STAMP_BYTES);
    }
}
