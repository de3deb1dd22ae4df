package io.fdbnbd.volume;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;

/** Which blocks of a range are stored, put together from what is known of parts of it; what was put last counts. */
final class BlockRuns {

    /** Blocks from {@code first} to {@code end} (excluded). */
    record Part(long first, long end, boolean stored) {}

    private final long first;
    private final long end;

    /** By the first block of a run; a run ends where the next begins, the last one at {@code end}. */
    private final TreeMap<Long, Boolean> runs = new TreeMap<>();

    /** None of the blocks from {@code first} to {@code end} is stored. */
    BlockRuns(long first, long end) {
        this.first = first;
        this.end = end;
        runs.put(first, false);
    }

    /** Puts what lies inside of the range. */
    void put(Part part) {
        long begin = Math.max(first, part.first());
        long stop = Math.min(end, part.end());
        if (begin >= stop) {
            return;
        }
        boolean after = Objects.requireNonNull(runs.floorEntry(stop)).getValue();
        runs.subMap(begin, stop).clear();
        runs.put(begin, part.stored());
        if (stop < end) {
            runs.putIfAbsent(stop, after);
        }
    }

    /**
     * What was put, in bytes from {@code offset}, which lies in the first block, up to {@code endOffset}, which ends in
     * the last; neighbours differ.
     */
    List<Extent> extents(Geometry geometry, long offset, long endOffset) {
        List<Extent> extents = new ArrayList<>();
        long from = offset;
        boolean stored = Objects.requireNonNull(runs.get(first));
        for (Map.Entry<Long, Boolean> run : runs.entrySet()) {
            if (run.getValue() != stored) {
                long at = geometry.offsetOf(run.getKey());
                extents.add(new Extent(at - from, stored));
                from = at;
                stored = run.getValue();
            }
        }
        extents.add(new Extent(endOffset - from, stored));
        return extents;
    }
}
