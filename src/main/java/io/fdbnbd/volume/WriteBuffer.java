package io.fdbnbd.volume;

import io.fdbnbd.util.ByteBudget;
import io.fdbnbd.volume.DirtyEntry.State;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The newest bytes of every dirty block of a volume, visible to all its readers from the moment they are in here until
 * their commit.
 *
 * <p>Who calls: connections write, zero and read; the committer launches and lands; FLUSH waits in
 * {@link #awaitCommitted}. One lock guards everything. No call to the store is made under it, and payloads of whole
 * blocks are copied before it is taken. New blocks are announced to the committer inside the lock, each once, so that
 * they arrive in the order in which they became dirty.
 *
 * <p>A block has at most two versions here: one FLYING, frozen in a transaction, and a newer one PENDING, which waits
 * until the older has landed, so that no two transactions in flight ever hold the same block. The map holds the newest.
 * A range to be cleared supersedes the blocks PENDING in it, waits for those FLYING, and hides both from readers.
 */
final class WriteBuffer {

    /** Ranges of fewer blocks are zeroed block by block: many small range clears slow a store's reads. */
    static final int CLEAR_BLOCKS_MIN = 9;

    private static final DirtyBlock[] NO_BLOCKS = {};

    private final Geometry geometry;
    private final BlockCodec codec;
    private final ByteBudget.Share budget;
    private final Announcements announcements;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition landed = lock.newCondition();

    // Guarded by lock.
    private final Map<Long, DirtyBlock> blocks = new HashMap<>();
    private final ClearRanges clears = new ClearRanges();
    private final FlushEpochs epochs = new FlushEpochs();
    private @Nullable VolumeException failure;

    // Written under lock, read without: whether there is nothing here that a reader has to see.
    private volatile boolean clean = true;

    /**
     * @param budget bounds the bytes in here, a block's size for every entry
     * @param announcements takes what became dirty to the committer
     */
    WriteBuffer(Geometry geometry, BlockCodec codec, ByteBudget.Share budget, Announcements announcements) {
        this.geometry = geometry;
        this.codec = codec;
        this.budget = budget;
        this.announcements = announcements;
    }

    // ---- connections

    /** Takes all of {@code src}, at most what the budget's share can hold. Waits for room. */
    void write(long offset, ByteBuffer src, @Nullable CommitTicket ticket) throws VolumeException {
        int length = src.remaining();
        long first = geometry.blockAt(offset);
        int count = (int) (geometry.endBlock(offset, length) - first);
        reserve(count);
        byte[][] whole = copyWholeBlocks(offset, src, first, count);
        List<DirtyBlock> added = new ArrayList<>(count);
        lock.lock();
        try {
            checkUsable();
            for (int i = 0; i < count; i++) {
                long block = first + i;
                if (whole[i] != null) {
                    putWhole(block, whole[i], ticket, added);
                } else {
                    int from = geometry.from(block, offset);
                    int to = geometry.to(block, offset, length);
                    int position = src.position() + (int) (geometry.offsetOf(block) + from - offset);
                    putPart(block, from, to, src, position, ticket, added);
                }
            }
            announceAdded(added);
        } finally {
            lock.unlock();
            unreserve(count - added.size());
        }
        src.position(src.limit());
    }

    private byte[][] copyWholeBlocks(long offset, ByteBuffer src, long first, int count) {
        byte[][] whole = new byte[count][];
        for (int i = 0; i < count; i++) {
            long block = first + i;
            if (geometry.coversWhole(block, offset, src.remaining())) {
                whole[i] = codec.newBlock();
                int position = src.position() + (int) (geometry.offsetOf(block) - offset);
                src.get(position, whole[i], BlockCodec.HEADER_BYTES, geometry.contentBytes(block));
            }
        }
        return whole;
    }

    private void putWhole(long number, byte[] bytes, @Nullable CommitTicket ticket, List<DirtyBlock> added) {
        DirtyBlock newest = blocks.get(number);
        if (newest != null && newest.state() == State.PENDING) {
            newest.replace(bytes);
            newest.attach(ticket);
        } else {
            add(DirtyBlock.whole(number, bytes, epochs.enter()), newest, ticket, added);
        }
    }

    private void putPart(
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
        clean = false;
        return block;
    }

    private void announceAdded(List<DirtyBlock> added) {
        if (!added.isEmpty()) {
            announcements.add(added.toArray(NO_BLOCKS));
        }
    }

    /** Makes whole blocks, from {@code first} to {@code end}, read as zeroes. Waits for room. */
    void clear(long first, long end, @Nullable CommitTicket ticket) throws VolumeException {
        reserve(1);
        boolean added = false;
        lock.lock();
        try {
            checkUsable();
            addClear(first, end, ticket);
            announcements.wakeUp();
            clean = false;
            added = true;
        } finally {
            lock.unlock();
            unreserve(added ? 0 : 1);
        }
    }

    private void addClear(long first, long end, @Nullable CommitTicket ticket) {
        List<DirtyClear> touching = clears.removeTouching(first, end);
        long mergedFirst = first;
        long mergedEnd = end;
        for (DirtyClear clear : touching) {
            mergedFirst = Math.min(mergedFirst, clear.first());
            mergedEnd = Math.max(mergedEnd, clear.end());
        }
        DirtyClear merged = new DirtyClear(mergedFirst, mergedEnd, epochs.enter());
        for (DirtyClear clear : touching) {
            merged.addShadowedBlocks(clear.shadowedBlocks());
            merged.supersede(clear);
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
            clear.supersede(newest);
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

    /**
     * Puts what is in here of a range into {@code dst}, from its absolute {@code position} on.
     *
     * @return what the store has to be asked for, or null if nothing
     */
    @Nullable
    ReadRemainder read(long offset, int length, ByteBuffer dst, int position) {
        long first = geometry.blockAt(offset);
        long end = geometry.endBlock(offset, length);
        ReadRemainder remainder = new ReadRemainder();
        if (clean) {
            remainder.addMissing(first, end);
            return remainder;
        }
        lock.lock();
        try {
            for (long number = first; number < end; number++) {
                int from = geometry.from(number, offset);
                int to = geometry.to(number, offset, length);
                int target = position + (int) (geometry.offsetOf(number) + from - offset);
                DirtyBlock block = blocks.get(number);
                if (block != null && !block.isShadowed()) {
                    if (block.isWhole()) {
                        block.overlay(from, to, dst, target);
                    } else {
                        remainder.addPartial(block);
                    }
                } else if (!clears.isEmpty() && clears.contains(number)) {
                    Zeroes.put(dst, target, to - from);
                } else {
                    remainder.addMissing(number, number + 1);
                }
            }
        } finally {
            lock.unlock();
        }
        return remainder.isEmpty() ? null : remainder;
    }

    /**
     * Lays the buffered bytes of partial blocks over what the store had. A block keeps its bytes after its commit, so it
     * does not matter which of the two came first: both together hold every write answered before the read.
     */
    void overlayPartial(ReadRemainder remainder, long offset, int length, ByteBuffer dst, int position) {
        if (remainder.partial().isEmpty()) {
            return;
        }
        lock.lock();
        try {
            for (DirtyBlock block : remainder.partial()) {
                int from = geometry.from(block.number(), offset);
                int to = geometry.to(block.number(), offset, length);
                int target = position + (int) (geometry.offsetOf(block.number()) + from - offset);
                if (block.state() == State.SUPERSEDED) {
                    // Cleared while the store was read: zeroes, all of it, lest one sector mix before and after.
                    Zeroes.put(dst, target, to - from);
                } else {
                    block.overlay(from, to, dst, target);
                }
            }
        } finally {
            lock.unlock();
        }
    }

    /**
     * Returns when everything that is dirty now has committed.
     *
     * @return false if that took longer than {@code nanosMax}
     */
    boolean awaitCommitted(long nanosMax) throws VolumeException, InterruptedException {
        lock.lockInterruptibly();
        try {
            FlushEpochs.Epoch epoch = epochs.close();
            long nanosLeft = nanosMax;
            while (!epoch.isOver() && failure == null && nanosLeft > 0) {
                nanosLeft = landed.awaitNanos(nanosLeft);
            }
            checkUsable();
            return epoch.isOver();
        } finally {
            lock.unlock();
        }
    }

    /** Throws if the volume has failed. */
    private void checkUsable() throws VolumeException {
        if (failure != null) {
            throw new VolumeException(failure.kind(), failure.getMessage(), failure);
        }
    }

    private void reserve(int entries) throws VolumeException {
        try {
            if (budget.acquire((long) entries * geometry.blockBytes())) {
                return;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        lock.lock();
        try {
            checkUsable();
        } finally {
            lock.unlock();
        }
        throw new VolumeException(VolumeException.Kind.SHUTTING_DOWN, "the volume is being closed");
    }

    private void unreserve(int entries) {
        if (entries > 0) {
            budget.release((long) entries * geometry.blockBytes());
        }
    }

    // ---- the committer

    boolean isEmpty() {
        return clean;
    }

    boolean isFailed() {
        lock.lock();
        try {
            return failure != null;
        } finally {
            lock.unlock();
        }
    }

    /** Blocks of {@code candidates} that can not be committed before their other bytes are read from the store. */
    List<DirtyBlock> partialAmong(List<DirtyBlock> candidates) {
        lock.lock();
        try {
            return candidates.stream()
                    .filter(block -> block.state() == State.PENDING && !block.isWhole())
                    .toList();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Makes partial blocks whole. Their stored content can not have changed since it was read: only the committer, who
     * calls this, commits them.
     *
     * @param bases a block's content for each of {@code partial}
     */
    void fill(List<DirtyBlock> partial, List<byte[]> bases) {
        lock.lock();
        try {
            for (int i = 0; i < partial.size(); i++) {
                if (partial.get(i).state() == State.PENDING) {
                    partial.get(i).fill(bases.get(i));
                }
            }
        } finally {
            lock.unlock();
        }
    }

    /** Freezes up to {@code max} waiting ranges; those that must wait for something in flight stay. */
    List<DirtyClear> launchClears(int max) {
        lock.lock();
        try {
            return clears.launch(max);
        } finally {
            lock.unlock();
        }
    }

    /**
     * Freezes blocks of {@code candidates}, in their order and at most {@code max}. Superseded ones are passed over.
     *
     * @param with ranges that will be cleared in the same transaction, before the blocks
     * @param deferred receives those that have to wait: for an older version or a range in flight, or for their base
     * @return how many candidates were looked at
     */
    int launchBlocks(
            List<DirtyBlock> candidates,
            int max,
            List<DirtyClear> with,
            List<DirtyBlock> launched,
            List<DirtyBlock> deferred) {
        lock.lock();
        try {
            int looked = 0;
            while (looked < candidates.size() && launched.size() < max) {
                DirtyBlock block = candidates.get(looked++);
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
            return looked;
        } finally {
            lock.unlock();
        }
    }

    private boolean waitsForClear(DirtyBlock block, List<DirtyClear> with) {
        if (clears.isEmpty()) {
            return false;
        }
        return clears.pendingAt(block.number()) != null || clears.isFlyingExcept(block.number(), with);
    }

    /** Takes out what has committed and lets go on whoever waited for it. */
    void land(List<DirtyClear> committedClears, List<DirtyBlock> committedBlocks) {
        List<CommitTicket> tickets = new ArrayList<>();
        int entries = 0;
        lock.lock();
        try {
            boolean epochEnded = false;
            for (DirtyBlock block : committedBlocks) {
                landBlock(block);
                epochEnded |= finish(block, tickets);
                entries++;
            }
            for (DirtyClear clear : committedClears) {
                clears.land(clear);
                epochEnded |= finish(clear, tickets);
                entries += 1 + finishSuperseded(clear, tickets);
            }
            clean = blocks.isEmpty() && clears.isEmpty();
            if (epochEnded) {
                landed.signalAll();
            }
        } finally {
            lock.unlock();
        }
        unreserve(entries);
        for (CommitTicket ticket : tickets) {
            ticket.release(null);
        }
    }

    private void landBlock(DirtyBlock block) {
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
    }

    private int finishSuperseded(DirtyEntry entry, List<CommitTicket> tickets) {
        if (!(entry instanceof DirtyClear clear)) {
            return 0;
        }
        int entries = 0;
        for (DirtyEntry superseded : clear.superseded()) {
            finish(superseded, tickets);
            entries += 1 + finishSuperseded(superseded, tickets);
        }
        return entries;
    }

    private boolean finish(DirtyEntry entry, List<CommitTicket> tickets) {
        if (entry.state() != State.SUPERSEDED) {
            entry.moveTo(State.DONE);
        }
        if (failure == null) {
            // A failure has told all tickets already.
            tickets.addAll(entry.tickets());
        }
        return epochs.leave(entry.epoch());
    }

    /**
     * Ends the taking of writes for good: what is dirty stays readable, and whoever waits for its commit, now or later,
     * gets {@code cause}. The first cause stays.
     *
     * @return false if it had failed before
     */
    boolean fail(VolumeException cause) {
        List<CommitTicket> tickets = new ArrayList<>();
        lock.lock();
        try {
            if (failure != null) {
                return false;
            }
            failure = cause;
            budget.refuse();
            blocks.values().forEach(block -> collectTickets(block, tickets));
            clears.forEach(clear -> collectTickets(clear, tickets));
            landed.signalAll();
        } finally {
            lock.unlock();
        }
        for (CommitTicket ticket : tickets) {
            ticket.release(cause);
        }
        return true;
    }

    private static void collectTickets(DirtyEntry entry, List<CommitTicket> tickets) {
        tickets.addAll(entry.tickets());
        if (entry instanceof DirtyBlock block && block.older() != null) {
            collectTickets(block.older(), tickets);
        }
        if (entry instanceof DirtyClear clear) {
            clear.superseded().forEach(superseded -> collectTickets(superseded, tickets));
        }
    }
}
