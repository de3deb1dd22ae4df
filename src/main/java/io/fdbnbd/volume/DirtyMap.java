package io.fdbnbd.volume;

import io.fdbnbd.volume.DirtyEntry.State;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What is dirty in a volume, and how one dirty thing takes the place of another. Guarded by the lock of the write buffer.
 *
 * <p>A block has at most two versions here: one FLYING, frozen in a transaction, and a newer one PENDING, which waits
 * until the older has landed, so that no two transactions in flight ever hold the same block. The map holds the newest.
 * A range to be cleared supersedes the blocks PENDING in it, waits for those FLYING, and hides both from readers.
 */
final class DirtyMap {

    private final Geometry geometry;
    private final BlockCodec codec;
    private final Map<Long, DirtyBlock> blocks = new HashMap<>();
    private final ClearRanges clears = new ClearRanges();
    private final FlushEpochs epochs = new FlushEpochs();

    DirtyMap(Geometry geometry, BlockCodec codec) {
        this.geometry = geometry;
        this.codec = codec;
    }

    boolean isEmpty() {
        return blocks.isEmpty() && clears.isEmpty();
    }

    /** The version of a block that a reader has to see, if it is not the store's and not {@link #isCleared}. */
    @Nullable
    DirtyBlock newest(long number) {
        DirtyBlock block = blocks.get(number);
        return block == null || block.isShadowed() ? null : block;
    }

    /** For a block of which there is no {@link #newest}: whether it reads as zeroes, rather than from the store. */
    boolean isCleared(long number) {
        return !clears.isEmpty() && clears.contains(number);
    }

    /** What is here of a range: what is being cleared, and then the blocks that lie over that. */
    List<BlockRuns.Part> parts(long first, long end) {
        List<BlockRuns.Part> parts = new ArrayList<>();
        clears.forEach(clear -> parts.add(new BlockRuns.Part(clear.first(), clear.end(), false)));
        for (DirtyBlock block : blocksBetween(first, end)) {
            if (!block.isShadowed()) {
                parts.add(new BlockRuns.Part(block.number(), block.number() + 1, true));
            }
        }
        return parts;
    }

    /** The epoch that has to be over for all that is dirty now to have committed. */
    FlushEpochs.Epoch closeEpoch() {
        return epochs.close();
    }

    // ---- what connections do

    /** @param added receives the block if it was not PENDING before */
    void putWhole(long number, byte[] bytes, @Nullable CommitTicket ticket, List<DirtyBlock> added) {
        DirtyBlock newest = blocks.get(number);
        if (newest != null && newest.state() == State.PENDING) {
            newest.replace(bytes);
            newest.attach(ticket);
        } else {
            add(DirtyBlock.whole(number, bytes, epochs.enter()), newest, ticket, added);
        }
    }

    /**
     * Takes the bytes from {@code from} to {@code to} of a block out of {@code src}, where they begin at
     * {@code position}.
     */
    void putPart(
            long number,
            int from,
            int to,
            ByteBuffer src,
            int position,
            @Nullable CommitTicket ticket,
            List<DirtyBlock> added) {
        DirtyBlock target = blocks.get(number);
        if (target != null && target.state() == State.PENDING) {
            target.attach(ticket);
        } else {
            target = add(newPart(number, target), target, ticket, added);
        }
        src.get(position, target.bytes(), BlockCodec.HEADER_BYTES + from, to - from);
        target.cover(from, to, geometry.contentBytes(number));
    }

    /** The block that a partial write begins with: whole wherever its other bytes are known without the store. */
    private DirtyBlock newPart(long number, @Nullable DirtyBlock flying) {
        if (flying != null && !flying.isShadowed()) {
            return DirtyBlock.whole(number, flying.bytes().clone(), epochs.enter());
        }
        if (clears.contains(number)) {
            return DirtyBlock.whole(number, codec.newBlock(), epochs.enter());
        }
        return DirtyBlock.partial(number, codec.newBlock(), epochs.enter());
    }

    private DirtyBlock add(
            DirtyBlock block, @Nullable DirtyBlock older, @Nullable CommitTicket ticket, List<DirtyBlock> added) {
        block.setOlder(older);
        block.attach(ticket);
        blocks.put(block.number(), block);
        added.add(block);
        return block;
    }

    /** Makes whole blocks, from {@code first} to {@code end}, read as zeroes. */
    void clear(long first, long end, @Nullable CommitTicket ticket) {
        List<DirtyClear> touching = clears.removeTouching(first, end);
        long mergedFirst = first;
        long mergedEnd = end;
        for (DirtyClear clear : touching) {
            mergedFirst = Math.min(mergedFirst, clear.first());
            mergedEnd = Math.max(mergedEnd, clear.end());
        }
        DirtyClear merged = new DirtyClear(mergedFirst, mergedEnd, epochs.enter());
        for (DirtyClear clear : touching) {
            merged.supersede(clear, epochs);
        }
        merged.attach(ticket);
        for (DirtyBlock block : blocksBetween(first, end)) {
            hide(block, merged);
        }
        clears.add(merged);
    }

    /** Lets a clear take the place of a block's newest version. */
    private void hide(DirtyBlock newest, DirtyClear clear) {
        DirtyBlock flying = newest;
        if (newest.state() == State.PENDING) {
            flying = newest.older();
            newest.setOlder(null);
            clear.supersede(newest, epochs);
            if (flying == null) {
                blocks.remove(newest.number());
                return;
            }
            blocks.put(flying.number(), flying);
        }
        if (!flying.isShadowed()) {
            flying.shadow();
            clear.addShadowedBlocks(1);
        }
    }

    private List<DirtyBlock> blocksBetween(long first, long end) {
        List<DirtyBlock> found = new ArrayList<>();
        if (end - first < blocks.size()) {
            for (long number = first; number < end; number++) {
                DirtyBlock block = blocks.get(number);
                if (block != null) {
                    found.add(block);
                }
            }
        } else {
            for (DirtyBlock block : blocks.values()) {
                if (block.number() >= first && block.number() < end) {
                    found.add(block);
                }
            }
        }
        return found;
    }

    // ---- what the committer does

    /** Freezes up to {@code max} waiting ranges; those that must wait for something in flight stay. */
    List<DirtyClear> launchClears(int max) {
        return clears.launch(max);
    }

    /** As {@link WriteBuffer#launchBlocks}. */
    void launchBlocks(
            List<DirtyBlock> candidates, List<DirtyClear> with, List<DirtyBlock> launched, List<DirtyBlock> deferred) {
        for (DirtyBlock block : candidates) {
            if (block.state() != State.PENDING) {
                continue;
            }
            if (block.older() != null || !block.isWhole() || waitsForClear(block, with)) {
                deferred.add(block);
            } else {
                block.moveTo(State.FLYING);
                launched.add(block);
            }
        }
    }

    private boolean waitsForClear(DirtyBlock block, List<DirtyClear> with) {
        if (clears.isEmpty()) {
            return false;
        }
        return clears.pendingAt(block.number()) != null || clears.isFlyingExcept(block.number(), with);
    }

    /** Takes out a block that has committed. Returns whether an epoch ended by this. */
    boolean land(DirtyBlock block) {
        DirtyBlock newest = blocks.get(block.number());
        if (newest == block) {
            blocks.remove(block.number());
        } else if (newest != null) {
            newest.setOlder(null);
        }
        if (block.isShadowed()) {
            DirtyClear clear = clears.pendingAt(block.number());
            if (clear != null) {
                clear.addShadowedBlocks(-1);
            }
        }
        return finish(block);
    }

    /** Takes out a range that has committed. Returns whether an epoch ended by this. */
    boolean land(DirtyClear clear) {
        clears.land(clear);
        return finish(clear);
    }

    private boolean finish(DirtyEntry entry) {
        entry.moveTo(State.DONE);
        return epochs.leave(entry.epoch());
    }

    /** The tickets of all that is dirty. */
    List<CommitTicket> tickets() {
        List<CommitTicket> tickets = new ArrayList<>();
        for (DirtyBlock newest : blocks.values()) {
            tickets.addAll(newest.tickets());
            DirtyBlock older = newest.older();
            if (older != null) {
                tickets.addAll(older.tickets());
            }
        }
        clears.forEach(clear -> tickets.addAll(clear.tickets()));
        return tickets;
    }
}
