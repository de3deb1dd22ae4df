package io.fdbnbd.volume;

import java.util.ArrayList;
import java.util.List;

/** What a read did not find in the write buffer: runs of blocks to ask the store for, and blocks known in part. */
final class ReadRemainder {

    /** Blocks from {@code first} to {@code end} (excluded). */
    record Run(long first, long end) {}

    private final List<Run> runs = new ArrayList<>(1);
    private final List<DirtyBlock> partial = new ArrayList<>(0);

    /** Adds blocks, in ascending order; joined with the run before if adjacent. */
    void addMissing(long first, long end) {
        if (!runs.isEmpty() && runs.getLast().end() == first) {
            runs.set(runs.size() - 1, new Run(runs.getLast().first(), end));
        } else {
            runs.add(new Run(first, end));
        }
    }

    /** Adds a block of which the store has to supply the rest. */
    void addPartial(DirtyBlock block) {
        addMissing(block.number(), block.number() + 1);
        partial.add(block);
    }

    List<Run> runs() {
        return runs;
    }

    List<DirtyBlock> partial() {
        return partial;
    }

    boolean isEmpty() {
        return runs.isEmpty();
    }
}
