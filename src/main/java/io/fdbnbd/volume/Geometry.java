package io.fdbnbd.volume;

import static io.fdbnbd.util.Checks.checkArgument;

/** How a volume's bytes fall into blocks. The last block may be cut short by the end of the volume. */
record Geometry(long sizeBytes, int blockBytes) {

    long blockAt(long offset) {
        return offset / blockBytes;
    }

    /** The offset of a block's first byte. */
    long offsetOf(long block) {
        return block * blockBytes;
    }

    /** The block after the last one that a range, not an empty one, touches. */
    long endBlock(long offset, long length) {
        return blockAt(offset + length - 1) + 1;
    }

    /** How many bytes of a block lie inside the volume. */
    int contentBytes(long block) {
        return (int) Math.min(blockBytes, sizeBytes - offsetOf(block));
    }

    /** Where, inside a block, a range begins. */
    int from(long block, long offset) {
        return (int) Math.max(0, offset - offsetOf(block));
    }

    /** Where, inside a block, a range ends. */
    int to(long block, long offset, long length) {
        return (int) Math.min(contentBytes(block), offset + length - offsetOf(block));
    }

    boolean coversWhole(long block, long offset, long length) {
        return from(block, offset) == 0 && to(block, offset, length) == contentBytes(block);
    }

    void checkInside(long offset, long length) {
        checkArgument(
                offset >= 0 && length >= 0 && offset <= sizeBytes && length <= sizeBytes - offset,
                "the range is not inside the volume");
    }
}
