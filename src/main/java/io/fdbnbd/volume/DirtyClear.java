package io.fdbnbd.volume;

/**
 * A range of blocks that reads as zeroes, to be cleared in the store with one operation. Answers for the entries that it
 * superseded: they are done when it is. Guarded by the lock of the write buffer.
 */
final class DirtyClear extends DirtyEntry {

    private final long first;
    private final long end;

    // This one and all that it superseded: what the buffer's budget has for it.
    private int entries = 1;

    // Blocks of this range that are in a transaction now: this clear waits until there are none.
    private int shadowedBlocks;

    DirtyClear(long first, long end, FlushEpochs.Epoch epoch) {
        super(epoch);
        this.first = first;
        this.end = end;
    }

    /** The first block. */
    long first() {
        return first;
    }

    /** The block after the last. */
    long end() {
        return end;
    }

    boolean contains(long block) {
        return block >= first && block < end;
    }

    boolean overlaps(DirtyClear other) {
        return first < other.end && other.first < end;
    }

    @Override
    void supersede(DirtyEntry older, FlushEpochs epochs) {
        super.supersede(older, epochs);
        if (older instanceof DirtyClear clear) {
            entries += clear.entries;
            shadowedBlocks += clear.shadowedBlocks;
        } else {
            entries++;
        }
    }

    int entries() {
        return entries;
    }

    int shadowedBlocks() {
        return shadowedBlocks;
    }

    void addShadowedBlocks(int count) {
        shadowedBlocks += count;
    }
}
