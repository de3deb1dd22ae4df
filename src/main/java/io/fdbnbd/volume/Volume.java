package io.fdbnbd.volume;

import static io.fdbnbd.volume.VolumeException.Kind.IO;
import static io.fdbnbd.volume.VolumeException.Kind.SHUTTING_DOWN;

import io.fdbnbd.metrics.Meter;
import io.fdbnbd.store.Store;
import io.fdbnbd.store.StoreLimits;
import io.fdbnbd.util.ByteBudget;
import io.fdbnbd.util.Threads;
import io.fdbnbd.util.Ticker;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.Executor;
import java.util.concurrent.Semaphore;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * An open volume: a byte range that reads what was last written to it. Shared by all connections that have it attached,
 * which is what lets a FLUSH on one cover writes on another.
 *
 * <p>Any thread. A write is visible to every reader when {@link #write} returns, and committed in the background, or by
 * {@link #commitHere}. Ranges
 * must lie inside the volume ({@link IllegalArgumentException} otherwise): checking what a client asks for is not done
 * here.
 */
public final class Volume {

    /** Writes enter the buffer in pieces of at most this, so that one never has to wait for the whole buffer. */
    private static final int WRITE_PIECE_BYTES_MAX = 1 << 20;

    /**
     * Blocks that a write makes dirty: for so many bytes it costs less to commit them at once, where the store never
     * makes anybody wait, than to have another thread do it. Fewer are better committed while the next requests arrive.
     */
    private static final int COMMIT_HERE_BYTES_MIN = 64 << 10;

    /** Only so that nothing is kept that nobody wants. */
    private static final Duration READ_AHEAD_AGE_MAX = Duration.ofSeconds(1);

    private static final Duration JOIN_DEADLINE = Duration.ofSeconds(5);

    private final VolumeInfo info;
    private final Geometry geometry;
    private final AckMode ackMode;
    private final Store store;
    private final Owner owner;
    private final ByteBudget.Share budget;
    private final ReadAhead readAhead;
    private final WriteBuffer buffer;
    private final VolumeReader reader;
    private final Committer committer;
    private final Thread committerThread;
    private final @Nullable Heartbeat heartbeat;
    private final Flights flights;
    private final Stall stall;
    private final Ticker ticker;
    private final UncleanMark mark;
    private final Backoff backoff;
    private final Meter meter;

    Volume(
            VolumeInfo info,
            Store store,
            Ownership.Held held,
            AckMode ackMode,
            ByteBudget.Share budget,
            Semaphore readAheadPieces,
            BlockArrays arrays,
            Backoff backoff,
            Environment environment,
            Meter meter) {
        this.info = info;
        this.geometry = new Geometry(info.sizeBytes(), info.blockBytes());
        this.ackMode = ackMode;
        this.store = store;
        this.owner = held.owner();
        this.budget = budget;
        this.backoff = backoff;
        this.meter = meter;
        this.ticker = environment.ticker();
        this.stall = new Stall(info.name(), environment.ticker(), meter);
        StoreLimits limits = store.limits();
        BlockCodec codec = new BlockCodec(info.layer(), info.blockBytes(), info.compression());
        BlockReader blocks = new BlockReader(info, geometry, codec, store, owner, backoff, stall);
        Announcements announcements = new Announcements(
                (int) (budget.maxBytes() / info.blockBytes()),
                store.isImmediate() ? COMMIT_HERE_BYTES_MIN / info.blockBytes() : Integer.MAX_VALUE);
        this.readAhead = new ReadAhead(
                info,
                limits.readAheadBytesMax(),
                store.isShared() ? limits.guardAgeMax() : READ_AHEAD_AGE_MAX,
                readAheadPieces,
                this::readNew,
                store.executor(),
                environment.ticker());
        this.buffer = new WriteBuffer(geometry, codec, budget, announcements, readAhead, arrays, meter);
        this.flights =
                new Flights(info.name(), store, owner, buffer, blocks, backoff, stall, ackMode, environment.ticker());
        this.reader = new VolumeReader(geometry, readAhead, buffer, blocks, flights::fail, meter);
        this.mark = markOf(environment.ticker(), UncleanMark.LOOK_INTERVAL);
        this.committer = new Committer(
                info,
                codec,
                limits,
                buffer,
                flights,
                announcements,
                limits.commitsInFlightMax() == 1 ? null : store.executor(),
                environment.ticker(),
                environment.pause(),
                meter);
        // A virtual one runs next on the processor of the connection that has something for it: nothing is woken.
        this.committerThread =
                environment.committers().start("commit-" + info.name(), store.isForVirtualThreads(), committer::run);
        this.heartbeat = store.isShared()
                ? new Heartbeat(
                        store, owner, info, held.session(), environment.beats().get(), flights::fail)
                : null;
    }

    /** A mark of this volume that looks at another clock than the volume's own, for tests. */
    UncleanMark markOf(Ticker ticker, Duration lookInterval) {
        return new UncleanMark(info, owner, buffer, flights, ticker, lookInterval);
    }

    public VolumeInfo info() {
        return info;
    }

    /** Takes what is measured of this volume, until it is closed. */
    public Meter meter() {
        return meter;
    }

    /** Whether a write may be answered only after its commit, which is then durable. */
    public boolean answersWhenCommitted() {
        return ackMode == AckMode.COMMITTED;
    }

    /** What has been taken and has not committed: the counted bytes of the blocks it touches. */
    public long dirtyBytes() {
        return budget.heldBytes();
    }

    /** Why nothing is written any more, and since when by the volume's ticker; empty if all is well. */
    Optional<Failure> failure() {
        return Optional.ofNullable(buffer.failure())
                .map(cause -> new Failure(flights.failedNanos(), cause.getMessage()));
    }

    /** What there is to see of it, for {@code attachedCount} connections. */
    OpenVolume look(int attachedCount) {
        CommitWindow window = committer.window();
        OptionalLong stalledSince = stall.sinceNanos();
        return new OpenVolume(
                info,
                attachedCount,
                owner.epoch(),
                budget.heldBytes(),
                budget.maxBytes(),
                budget.waiterCount(),
                window.windowBytes(),
                window.inFlightBytes(),
                window.flights(),
                stalledSince.isPresent()
                        ? Optional.of(Duration.ofNanos(ticker.nanoTime() - stalledSince.getAsLong()))
                        : Optional.empty(),
                failure().map(Failure::reason),
                isLost());
    }

    record Failure(long sinceNanos, String reason) {}

    /** How many changes wait for room, on all connections together; they get it in the order of their coming. */
    public int changesWaiting() {
        return budget.waiterCount();
    }

    /** Whether a flush waits for a commit. */
    boolean hasFlushWaiting() {
        return buffer.isAwaited();
    }

    /** Whether a write waits for room in the buffer. */
    boolean hasWriteWaiting() {
        return budget.waiterCount() > 0;
    }

    /** Whether another server has taken the volume over, or it was deleted: everything fails from now on. */
    public boolean isLost() {
        return buffer.isLost();
    }

    /** Whether a virtual thread may itself make the calls that wait for the store. */
    public boolean isForVirtualThreads() {
        return store.isForVirtualThreads();
    }

    /** Where {@link #read}, {@link #flush} and {@link #sync} belong. */
    public Executor executor() {
        return store.executor();
    }

    /**
     * Fills {@code dst} from {@code offset} if that needs no waiting.
     *
     * @return false if it does; the position of {@code dst} is then as before, its bytes are undefined
     */
    public boolean tryRead(long offset, ByteBuffer dst) throws VolumeException {
        return reader.tryRead(new RangeRead(offset, dst));
    }

    /** Fills {@code dst} from {@code offset}. Waits for the store. */
    public void read(long offset, ByteBuffer dst) throws VolumeException {
        RangeRead read = new RangeRead(offset, dst);
        reader.read(List.of(read));
        read.throwFailure();
    }

    /** Makes several reads in one of the store. Each is told what became of it. Waits for the store. */
    public void read(List<RangeRead> reads) {
        reader.read(reads);
    }

    /**
     * Begins to read what a client that reads in order will ask for next. Never waits; does nothing where the store has
     * most reads at hand.
     *
     * @param offset where the client has come to, at most the volume's size
     */
    public void readAhead(long offset) {
        if (readAhead.bytesMax() > 0) {
            readAhead.want(offset);
        }
    }

    private void readNew(long offset, ByteBuffer dst) throws VolumeException {
        RangeRead read = new RangeRead(offset, dst);
        reader.readNew(List.of(read));
        read.throwFailure();
    }

    /**
     * Which bytes of a range, not an empty one, are stored: exact, of whole blocks but for the range's ends, and
     * neighbours differ. No block is read for it. Waits for the store.
     *
     * @return the range from its beginning, up to its end or to where the answer would become too long
     */
    public List<Extent> extents(long offset, long length) throws VolumeException {
        return reader.extents(offset, length);
    }

    /**
     * Takes all of {@code src}; its bytes are copied. Waits while the buffer is full, which is what slows a writer down
     * to the speed of the store.
     *
     * @param onCommitted is told once, when all of it has committed or failed; not if this call throws
     */
    public void write(long offset, ByteBuffer src, @Nullable CommitListener onCommitted) throws VolumeException {
        write(offset, src, onCommitted, () -> true);
    }

    /**
     * As the other {@code write}.
     *
     * @param stillWanted is asked, on this thread, whenever there is room that had to be waited for, and before it is
     *     used; false: the rest is not taken, and this throws
     */
    public void write(long offset, ByteBuffer src, @Nullable CommitListener onCommitted, BooleanSupplier stillWanted)
            throws VolumeException {
        geometry.checkInside(offset, src.remaining());
        CommitTicket ticket = onCommitted == null ? null : new CommitTicket(onCommitted);
        int limit = src.limit();
        long at = offset;
        while (src.hasRemaining()) {
            // A piece ends at a block's boundary, so that no block is split between two.
            long end = Math.min(at + src.remaining(), pieceEnd(at));
            src.limit(src.position() + (int) (end - at));
            buffer.write(at, src, ticket, stillWanted);
            src.limit(limit);
            at = end;
        }
        if (ticket != null) {
            ticket.release(null);
        }
    }

    /**
     * Commits on this thread what large writes have left to it. Who writes calls this before he turns to other things: no
     * other thread does it in his place until somebody waits: for room, for a commit that he wants to be told of, or in
     * {@link #flush}. Never waits.
     *
     * @return bytes that were committed, by the store's count
     */
    public long commitHere() {
        return committer.commitHere();
    }

    /**
     * Whether what was written before this call, and waits for no commit, may be answered now. If not,
     * {@link #whenMarked}.
     */
    public boolean isMarked() {
        return mark.isSet();
    }

    /**
     * Tells when what was written before this call may be answered: once the store says, durably, that the volume may
     * hold writes that a crash loses.
     *
     * @param listener told once, now or later, with the failure if it is not to be answered
     */
    public void whenMarked(CommitListener listener) {
        mark.whenSet(listener);
    }

    private static long pieceEnd(long offset) {
        return (offset / WRITE_PIECE_BYTES_MAX + 1) * WRITE_PIECE_BYTES_MAX;
    }

    /**
     * Makes a range, of any length, read as zeroes: TRIM and WRITE_ZEROES. Costs the same for any length.
     *
     * @param onCommitted as for {@link #write}
     */
    public void zero(long offset, long length, @Nullable CommitListener onCommitted) throws VolumeException {
        zero(offset, length, onCommitted, () -> true);
    }

    /**
     * As the other {@code zero}.
     *
     * @param stillWanted as for {@code write}
     */
    public void zero(long offset, long length, @Nullable CommitListener onCommitted, BooleanSupplier stillWanted)
            throws VolumeException {
        geometry.checkInside(offset, length);
        CommitTicket ticket = onCommitted == null ? null : new CommitTicket(onCommitted);
        if (length > 0) {
            long end = offset + length;
            long firstWhole = Math.ceilDiv(offset, (long) info.blockBytes());
            long endWhole = end == info.sizeBytes() ? info.blockCount() : geometry.blockAt(end);
            if (endWhole - firstWhole >= WriteBuffer.CLEAR_BLOCKS_MIN) {
                zeroBlocks(offset, geometry.offsetOf(firstWhole), ticket, stillWanted);
                buffer.clear(firstWhole, endWhole, ticket, stillWanted);
                zeroBlocks(Math.min(end, geometry.offsetOf(endWhole)), end, ticket, stillWanted);
            } else {
                zeroBlocks(offset, end, ticket, stillWanted);
            }
        }
        if (ticket != null) {
            ticket.release(null);
        }
    }

    private void zeroBlocks(long from, long to, @Nullable CommitTicket ticket, BooleanSupplier stillWanted)
            throws VolumeException {
        long at = from;
        while (at < to) {
            long end = Math.min(to, geometry.offsetOf(geometry.blockAt(at) + 1));
            buffer.write(at, Zeroes.source((int) (end - at)), ticket, stillWanted);
            at = end;
        }
    }

    /** Returns when everything answered before this call has committed and is synced. Waits for the store. */
    public void flush() throws VolumeException {
        awaitCommitted(flushPoint());
        if (!answersWhenCommitted()) {
            sync();
        }
    }

    /** The moment of this call, for a flush of everything that was answered before it. Never waits. */
    public FlushPoint flushPoint() {
        return new FlushPoint(buffer.closeEpoch());
    }

    /** Whether everything answered before {@code point} has committed. */
    public boolean isCommitted(FlushPoint point) {
        return buffer.isCommitted(point.epoch());
    }

    /** Returns once {@link #isCommitted}. Waits for the store. */
    public void awaitCommitted(FlushPoint point) throws VolumeException {
        try {
            buffer.awaitCommitted(point.epoch());
        } catch (InterruptedException e) {
            throw interrupted(e);
        }
    }

    private boolean awaitCommitted(FlushPoint point, Duration deadline) throws VolumeException {
        try {
            return buffer.awaitCommitted(point.epoch(), deadline.toNanos());
        } catch (InterruptedException e) {
            throw interrupted(e);
        }
    }

    private static VolumeException interrupted(InterruptedException e) {
        Thread.currentThread().interrupt();
        return new VolumeException(SHUTTING_DOWN, "the server is stopping", e);
    }

    /**
     * Makes durable what has committed: what FUA needs after its listener was told, and a FLUSH after
     * {@link #awaitCommitted}, unless {@link #answersWhenCommitted}. Waits for the store.
     */
    public void sync() throws VolumeException {
        flights.sync(Integer.MAX_VALUE);
    }

    /**
     * Drains the buffer, gives the volume up and ends its thread. No other call may be under way or follow.
     *
     * @throws VolumeException if not everything that was dirty could be committed within {@code deadline}
     */
    void close(Duration deadline) throws VolumeException {
        try {
            if (!awaitCommitted(flushPoint(), deadline)) {
                throw new VolumeException(
                        IO,
                        "volume '" + info.name() + "' was closed with writes that the store did not take within "
                                + deadline.toSeconds() + " s: what was answered after the last flush is lost");
            }
            flights.sync(Attempts.WHILE_OPENING_MAX);
            stopHeartbeat();
            mark.close();
            Attempts.repeat(Attempts.WHILE_OPENING_MAX, backoff, () -> {
                owner.release(Owner.Mark.CLEARED);
                return true;
            });
            // Or the loss of power would bring the owner back, and the mark.
            flights.sync(Attempts.WHILE_OPENING_MAX);
        } catch (VolumeException e) {
            buffer.fail(e);
            throw e;
        } finally {
            stopHeartbeat();
            readAhead.close();
            backoff.close();
            mark.close();
            committer.stop();
            Threads.joinOrWarn(committerThread, JOIN_DEADLINE);
            budget.close();
            meter.close();
        }
    }

    private void stopHeartbeat() {
        if (heartbeat != null) {
            heartbeat.close();
        }
    }
}
