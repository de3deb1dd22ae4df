package io.fdbnbd.volume;

import java.time.Instant;

/**
 * A volume as the catalog has it.
 *
 * @param layer the number under which its blocks are stored; given once, never reused
 */
public record VolumeInfo(
        String name, long sizeBytes, int blockBytes, Compression compression, Instant created, int layer) {

    /** Blocks, counting a last one that the size cuts short. */
    public long blockCount() {
        return Math.ceilDiv(sizeBytes, (long) blockBytes);
    }
}
