package io.fdbnbd.volume;

import io.fdbnbd.metrics.Measure;
import io.fdbnbd.metrics.Meter;
import io.fdbnbd.util.ByteBudget;
import io.fdbnbd.volume.DirtyEntry.State;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The newest bytes of every dirty block of a volume, visible to all its readers from the moment they are in here until
 * their commit.
 *
 * <p>Who calls: connections write, zero and read; the committer launches and lands; FLUSH waits in
 * {@link #awaitCommitted}. One lock guards everything. No call to the store is made under it, and payloads of whole
 * blocks are copied before it is taken. New blocks are announced to the committer inside the lock, each once, so that
 * they arrive in the order in which they became dirty.
 */
final class WriteBuffer {

    /** Ranges of fewer blocks are zeroed block by block: many small range clears slow a store's reads. */
    static final int CLEAR_BLOCKS_MIN = 9;

    private static final DirtyBlock[] NO_BLOCKS = {};

    private final Geometry geometry;
    private final BufferRoom room;
    private final Announcements announcements;
    private final ReadAhead readAhead;
    private final BlockArrays arrays;
    private final Meter meter;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition landed = lock.newCondition();

    // Guarded by lock.
    private final DirtyMap dirty;
    private @Nullable VolumeException failure;
    private long writeCount;

    // Written under lock, read without: whether there is nothing here that a reader has to see.
    private volatile boolean clean = true;

    /**
     * @param budget bounds the bytes in here, a block's size for every entry
     * @param announcements takes what became dirty to the committer
     * @param readAhead is told what it must forget
     * @param arrays gives the arrays of whole blocks, and gets them back when they have committed
     */
    WriteBuffer(
            Geometry geometry,
            BlockCodec codec,
            ByteBudget.Share budget,
            Announcements announcements,
            ReadAhead readAhead,
            BlockArrays arrays,
            Meter meter) {
        this.geometry = geometry;
        this.dirty = new DirtyMap(geometry, codec);
        this.room = new BufferRoom(budget, geometry.blockBytes(), announcements, meter);
        this.announcements = announcements;
        this.readAhead = readAhead;
        this.arrays = arrays;
        this.meter = meter;
    }

    // ---- connections

    /** Takes all of {@code src}, at most what the budget's share can hold. Waits for room, first come, first served. */
    void write(long offset, ByteBuffer src, @Nullable CommitTicket ticket, BooleanSupplier stillWanted)
            throws VolumeException {
        int length = src.remaining();
        long first = geometry.blockAt(offset);
        int count = (int) (geometry.endBlock(offset, length) - first);
        reserve(count, stillWanted);
        List<DirtyBlock> added = new ArrayList<>(count);
        try {
            byte[][] whole = arrays.copyWhole(geometry, offset, src);
            lock.lock();
            try {
                checkUsable();
                writeCount++;
                for (int i = 0; i < count; i++) {
                    put(first + i, whole[i], offset, src, ticket, added);
                }
                announceAdded(added);
                if (ticket != null) {
                    announcements.awaited();
                }
                readAhead.drop(offset, length);
            } finally {
                lock.unlock();
            }
        } finally {
            room.give(count - added.size());
        }
        meter.count(Measure.BLOCKS_WRITTEN, count);
        src.position(src.limit());
    }

    private void put(
            long number,
            byte @Nullable [] whole,
            long offset,
            ByteBuffer src,
            @Nullable CommitTicket ticket,
            List<DirtyBlock> added) {
        if (whole != null) {
            dirty.putWhole(number, whole, ticket, added);
            return;
        }
        int from = geometry.from(number, offset);
        int to = geometry.to(number, offset, src.remaining());
        int position = src.position() + (int) (geometry.offsetOf(number) + from - offset);
        dirty.putPart(number, from, to, src, position, ticket, added);
    }

    private void announceAdded(List<DirtyBlock> added) {
        if (!added.isEmpty()) {
            clean = false;
            long now = meter.now();
            for (DirtyBlock block : added) {
                block.setDirtyNanos(now);
            }
            announcements.add(added.toArray(NO_BLOCKS));
        }
    }

    /** Makes whole blocks, from {@code first} to {@code end}, read as zeroes. Waits for room. */
    void clear(long first, long end, @Nullable CommitTicket ticket, BooleanSupplier stillWanted)
            throws VolumeException {
        reserve(1, stillWanted);
        boolean added = false;
        lock.lock();
        try {
            checkUsable();
            writeCount++;
            dirty.clear(first, end, ticket);
            clean = false;
            announcements.wakeUp();
            readAhead.drop(geometry.offsetOf(first), geometry.offsetOf(end) - geometry.offsetOf(first));
            added = true;
        } finally {
            lock.unlock();
            room.give(added ? 0 : 1);
        }
    }

    /**
     * Puts what is in here of a range into {@code dst}, from its absolute {@code position} on.
     *
     * @return what the store has to be asked for, or null if nothing
     * @throws VolumeException LOST_OWNERSHIP, once that is known: what is in here may not be the newest any more
     */
    @Nullable
    ReadRemainder read(long offset, int length, ByteBuffer dst, int position) throws VolumeException {
        long first = geometry.blockAt(offset);
        long end = geometry.endBlock(offset, length);
        ReadRemainder remainder = new ReadRemainder();
        if (clean) {
            remainder.addMissing(first, end);
            return remainder;
        }
        lock.lock();
        try {
            checkOwned();
            for (long number = first; number < end; number++) {
                int from = geometry.from(number, offset);
                int to = geometry.to(number, offset, length);
                int target = position + (int) (geometry.offsetOf(number) + from - offset);
                DirtyBlock block = dirty.newest(number);
                if (block != null) {
                    if (block.isWhole()) {
                        block.overlay(from, to, dst, target);
                    } else {
                        block.lend();
                        remainder.addPartial(block);
                    }
                } else if (dirty.isCleared(number)) {
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

    /** What is in here of a range of blocks, to be put over what the store has, which has to be asked after this. */
    List<BlockRuns.Part> parts(long first, long end) throws VolumeException {
        if (clean) {
            return List.of();
        }
        lock.lock();
        try {
            checkOwned();
            return dirty.parts(first, end);
        } finally {
            lock.unlock();
        }
    }

    /**
     * Lays the buffered bytes of partial blocks over what the store had. A block keeps its bytes after its commit, so it
     * does not matter which of the two came first: both together hold every write answered before the read. And it is
     * whole by then, so it hides all of a later version that the store may have given: no sector mixes the two.
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

    /** The epoch of all that is dirty now. */
    FlushEpochs.Epoch closeEpoch() {
        lock.lock();
        try {
            return dirty.closeEpoch();
        } finally {
            lock.unlock();
        }
    }

    /** Whether all that was dirty when an epoch was closed has committed. */
    boolean isCommitted(FlushEpochs.Epoch epoch) {
        lock.lock();
        try {
            return epoch.isOver();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Waits until {@link #isCommitted}.
     *
     * @throws VolumeException if the buffer has failed
     */
    void awaitCommitted(FlushEpochs.Epoch epoch) throws VolumeException, InterruptedException {
        lock.lockInterruptibly();
        try {
            // Without a time to end at: for that a virtual thread needs a timer, which is another thread to wake.
            while (mustWait(epoch)) {
                landed.await();
            }
            checkUsable();
        } finally {
            lock.unlock();
        }
    }

    /** As {@link #awaitCommitted(FlushEpochs.Epoch)}, but at most so long; returns whether it is committed. */
    boolean awaitCommitted(FlushEpochs.Epoch epoch, long nanosMax) throws VolumeException, InterruptedException {
        lock.lockInterruptibly();
        try {
            long nanosLeft = nanosMax;
            while (mustWait(epoch) && nanosLeft > 0) {
                nanosLeft = landed.awaitNanos(nanosLeft);
            }
            checkUsable();
            return epoch.isOver();
        } finally {
            lock.unlock();
        }
    }

    private boolean mustWait(FlushEpochs.Epoch epoch) {
        if (epoch.isOver() || failure != null) {
            return false;
        }
        announcements.awaited();
        return true;
    }

    /** Whether somebody waits for an epoch to be committed. */
    boolean isAwaited() {
        lock.lock();
        try {
            return lock.hasWaiters(landed);
        } finally {
            lock.unlock();
        }
    }

    /** Throws if the volume has failed. */
    private void checkUsable() throws VolumeException {
        if (failure != null) {
            throw failure.again();
        }
    }

    private void checkOwned() throws VolumeException {
        if (failure != null && failure.kind() == VolumeException.Kind.LOST_OWNERSHIP) {
            throw failure.again();
        }
    }

    /** What is held against the budget. */
    long heldBytes() {
        return room.heldBytes();
    }

    private void reserve(int entries, BooleanSupplier stillWanted) throws VolumeException {
        if (room.take(entries, stillWanted)) {
            return;
        }
        lock.lock();
        try {
            checkUsable();
        } finally {
            lock.unlock();
        }
        throw new VolumeException(VolumeException.Kind.SHUTTING_DOWN, "the volume or its connection is being closed");
    }

    // ---- the committer

    boolean isEmpty() {
        return clean;
    }

    boolean isLost() {
        VolumeException known = failure();
        return known != null && known.kind() == VolumeException.Kind.LOST_OWNERSHIP;
    }

    boolean isFailed() {
        return failure() != null;
    }

    /** Why writes are not taken any more; null if they are. */
    @Nullable
    VolumeException failure() {
        lock.lock();
        try {
            return failure;
        } finally {
            lock.unlock();
        }
    }

    /** Changes with every write that is taken. */
    long writeCount() {
        lock.lock();
        try {
            return writeCount;
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
            return dirty.launchClears(max);
        } finally {
            lock.unlock();
        }
    }

    /**
     * Freezes blocks. Superseded ones are passed over.
     *
     * @param with ranges that will be cleared in the same transaction, before the blocks
     * @param launched receives those that were frozen
     * @param deferred receives those that have to wait for an older version or a range in flight
     */
    void launchBlocks(
            List<DirtyBlock> candidates, List<DirtyClear> with, List<DirtyBlock> launched, List<DirtyBlock> deferred) {
        lock.lock();
        try {
            dirty.launchBlocks(candidates, with, launched, deferred);
        } finally {
            lock.unlock();
        }
    }

    /** Takes out what has committed and lets go on whoever waited for it. */
    void land(List<DirtyClear> committedClears, List<DirtyBlock> committedBlocks) {
        List<CommitTicket> tickets = new ArrayList<>(0);
        List<byte[]> unused = new ArrayList<>(committedBlocks.size());
        int entries = 0;
        lock.lock();
        try {
            boolean epochEnded = false;
            for (DirtyBlock block : committedBlocks) {
                epochEnded |= dirty.land(block);
                tickets.addAll(block.tickets());
                entries++;
                if (!block.isLent()) {
                    unused.add(block.takeBytes());
                }
            }
            for (DirtyClear clear : committedClears) {
                epochEnded |= dirty.land(clear);
                tickets.addAll(clear.tickets());
                entries += clear.entries();
            }
            clean = dirty.isEmpty();
            if (epochEnded) {
                landed.signalAll();
            }
            if (failure != null) {
                // They have all been told of it already.
                tickets.clear();
            }
        } finally {
            lock.unlock();
        }
        arrays.give(unused);
        room.give(entries);
        for (CommitTicket ticket : tickets) {
            ticket.release(null);
        }
    }

    /**
     * Ends the taking of writes for good: what is dirty stays readable, and whoever waits for its commit, now or later,
     * gets {@code cause}. The first cause stays.
     *
     * @return false if it had failed before
     */
    boolean fail(VolumeException cause) {
        List<CommitTicket> tickets;
        lock.lock();
        try {
            if (failure != null) {
                return false;
            }
            failure = cause;
            readAhead.dropAll();
            room.refuse();
            tickets = dirty.tickets();
            landed.signalAll();
        } finally {
            lock.unlock();
        }
        for (CommitTicket ticket : tickets) {
            ticket.release(cause);
        }
        return true;
    }
}
