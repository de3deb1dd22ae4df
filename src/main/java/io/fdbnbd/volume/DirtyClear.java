package io.fdbnbd.volume;

import java.util.ArrayList;
import java.util.List;

/**
 * A range of blocks that reads as zeroes, to be cleared in the store with one operation. Answers for the entries that it
 * superseded: they are done when it is. Guarded by the lock of the write buffer.
 */
final class DirtyClear extends DirtyEntry {

    private final long first;
    private final long end;
    private final List<DirtyEntry> superseded = new ArrayList<>(0);

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

    void supersede(DirtyEntry entry) {
        entry.moveTo(State.SUPERSEDED);
        superseded.add(entry);
    }

    List<DirtyEntry> superseded() {
        return superseded;
    }

    int shadowedBlocks() {
        return shadowedBlocks;
    }

    void addShadowedBlocks(int count) {
        shadowedBlocks += count;
    }
}
