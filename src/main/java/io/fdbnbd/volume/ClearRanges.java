package io.fdbnbd.volume;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The cleared ranges of a write buffer: those that wait, disjoint and merged where they touch, and those in a
 * transaction. Guarded by the lock of the write buffer.
 */
final class ClearRanges {

    // By first block.
    private final TreeMap<Long, DirtyClear> pending = new TreeMap<>();
    private final List<DirtyClear> flying = new ArrayList<>();

    boolean isEmpty() {
        return pending.isEmpty() && flying.isEmpty();
    }

    boolean contains(long block) {
        return pendingAt(block) != null || isFlyingExcept(block, List.of());
    }

    /** Whether a range in flight, other than those of {@code except}, contains the block. */
    boolean isFlyingExcept(long block, List<DirtyClear> except) {
        for (DirtyClear clear : flying) {
            if (clear.contains(block) && !except.contains(clear)) {
                return true;
            }
        }
        return false;
    }

    @Nullable
    DirtyClear pendingAt(long block) {
        Map.Entry<Long, DirtyClear> before = pending.floorEntry(block);
        return before != null && before.getValue().contains(block) ? before.getValue() : null;
    }

    /** Takes out every waiting range that overlaps or touches the blocks from {@code first} to {@code end}. */
    List<DirtyClear> removeTouching(long first, long end) {
        List<DirtyClear> touching = new ArrayList<>(0);
        Map.Entry<Long, DirtyClear> before = pending.floorEntry(end);
        while (before != null && before.getValue().end() >= first) {
            touching.add(before.getValue());
            pending.remove(before.getKey());
            before = pending.floorEntry(end);
        }
        return touching;
    }

    /** Adds a waiting range, which must not overlap another one that waits. */
    void add(DirtyClear clear) {
        pending.put(clear.first(), clear);
    }

    /** Moves ranges that wait for nothing in flight into flight themselves, at most {@code max} of them. */
    List<DirtyClear> launch(int max) {
        List<DirtyClear> launched = new ArrayList<>(0);
        for (DirtyClear clear : pending.values()) {
            if (launched.size() < max && clear.shadowedBlocks() == 0 && !overlapsFlying(clear)) {
                launched.add(clear);
            }
        }
        for (DirtyClear clear : launched) {
            pending.remove(clear.first());
            clear.moveTo(DirtyEntry.State.FLYING);
            flying.add(clear);
        }
        return launched;
    }

    private boolean overlapsFlying(DirtyClear clear) {
        for (DirtyClear ahead : flying) {
            if (ahead.overlaps(clear)) {
                return true;
            }
        }
        return false;
    }

    void forEach(Consumer<DirtyClear> visitor) {
        pending.values().forEach(visitor);
        flying.forEach(visitor);
    }

    /** Takes out a range that has committed. */
    void land(DirtyClear clear) {
        flying.remove(clear);
    }
}
