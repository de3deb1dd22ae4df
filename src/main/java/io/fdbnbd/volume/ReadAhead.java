package io.fdbnbd.volume;

import io.fdbnbd.util.Ticker;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.tinylog.Logger;

/**
 * Pieces of a volume that were read before anybody asked for them, for a client that reads one piece after the other.
 *
 * <p>Never stale: a piece holds what a read of the volume gave, write buffer included, and is dropped when anything in
 * it is written after that read began ({@link #drop}, called inside the lock under which the write becomes visible). It
 * is used once, and only as long as the proof of ownership under which it may have been read would be.
 *
 * <p>Any thread. A piece is filled by a task of the store's executor; {@link #close} waits for those.
 */
final class ReadAhead {

    /** What {@link Volume#read} does, past this. */
    interface Reader {
        void read(long offset, ByteBuffer dst) throws VolumeException;
    }

    static final int PIECE_BYTES = 128 << 10;

    private static final class Piece {
        final long offset;
        final byte[] bytes;
        final long begunNanos;

        // Guarded by lock.
        boolean filling = true;
        boolean dropped;

        Piece(long offset, int length, long begunNanos) {
            this.offset = offset;
            this.bytes = new byte[length];
            this.begunNanos = begunNanos;
        }
    }

    private final String name;
    private final long sizeBytes;
    private final int piecesMax;
    private final Duration ageMax;
    private final Semaphore pieces;
    private final Reader reader;
    private final Executor executor;
    private final Ticker ticker;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();

    // Guarded by lock: by their offsets, which are multiples of PIECE_BYTES.
    private final TreeMap<Long, Piece> kept = new TreeMap<>();
    private int filling;
    private boolean closed;

    // Written under lock, read without: whether there is nothing here.
    private volatile boolean empty = true;

    /**
     * @param bytesMax what one volume may keep
     * @param ageMax how long a piece may be used, counted from when it was asked for
     * @param pieces what all volumes of this process may keep; a piece holds one permit
     */
    ReadAhead(
            VolumeInfo info,
            int bytesMax,
            Duration ageMax,
            Semaphore pieces,
            Reader reader,
            Executor executor,
            Ticker ticker) {
        this.name = info.name();
        this.sizeBytes = info.sizeBytes();
        this.piecesMax = bytesMax / PIECE_BYTES;
        this.ageMax = ageMax;
        this.pieces = pieces;
        this.reader = reader;
        this.executor = executor;
        this.ticker = ticker;
    }

    /** How far ahead it pays to read; 0 where the store has everything at hand. */
    int bytesMax() {
        return piecesMax * PIECE_BYTES;
    }

    /** Begins to read what comes next from an offset on, as far as it is not here yet and there is room. Never waits. */
    void want(long offset) {
        long end = Math.min(sizeBytes, offset + bytesMax());
        for (long at = offset / PIECE_BYTES * PIECE_BYTES; at < end; at += PIECE_BYTES) {
            Piece piece = begin(at);
            if (piece != null) {
                start(piece);
            }
        }
    }

    private @Nullable Piece begin(long offset) {
        lock.lock();
        try {
            if (closed || kept.containsKey(offset)) {
                return null;
            }
            dropOld();
            if (kept.size() >= piecesMax || filling >= piecesMax || !pieces.tryAcquire()) {
                return null;
            }
            Piece piece = new Piece(offset, (int) Math.min(PIECE_BYTES, sizeBytes - offset), ticker.nanoTime());
            kept.put(offset, piece);
            empty = false;
            filling++;
            return piece;
        } finally {
            lock.unlock();
        }
    }

    private void start(Piece piece) {
        try {
            executor.execute(() -> fill(piece));
        } catch (RejectedExecutionException e) {
            // The store is being closed.
            ended(piece, false);
        }
    }

    private void fill(Piece piece) {
        boolean filled = false;
        try {
            reader.read(piece.offset, ByteBuffer.wrap(piece.bytes));
            filled = true;
        } catch (VolumeException | RuntimeException e) {
            // Whoever asks for these bytes meets the failure himself.
            Logger.debug("volume '{}': reading ahead failed: {}", name, e.getMessage());
        } finally {
            ended(piece, filled);
        }
    }

    private void ended(Piece piece, boolean filled) {
        lock.lock();
        try {
            piece.filling = false;
            filling--;
            if (piece.dropped) {
                pieces.release();
            } else if (!filled) {
                drop(piece);
            }
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Puts a range to {@code dst} if all of it is here, and drops the pieces it ends.
     *
     * @param wait whether to wait for pieces that are on their way
     * @return false if it is not here; {@code dst} has its position then, its bytes are undefined
     */
    boolean read(long offset, ByteBuffer dst, boolean wait) {
        if (empty) {
            return false;
        }
        lock.lock();
        try {
            int position = dst.position();
            long end = offset + dst.remaining();
            for (long at = offset; at < end; ) {
                Piece piece = take(at, wait);
                if (piece == null) {
                    dst.position(position);
                    return false;
                }
                int from = (int) (at - piece.offset);
                int length = (int) Math.min(end - at, piece.bytes.length - from);
                dst.put(piece.bytes, from, length);
                at += length;
            }
            dropUpTo(end);
            return true;
        } finally {
            lock.unlock();
        }
    }

    private @Nullable Piece take(long offset, boolean wait) {
        Piece piece = kept.get(offset / PIECE_BYTES * PIECE_BYTES);
        while (piece != null && piece.filling && !piece.dropped && wait) {
            changed.awaitUninterruptibly();
        }
        return piece == null || piece.filling || piece.dropped || isOld(piece) ? null : piece;
    }

    /** Drops what overlaps a range: it was written. Cheap where nothing was read ahead. */
    void drop(long offset, long length) {
        if (empty) {
            return;
        }
        lock.lock();
        try {
            Long first = kept.floorKey(offset);
            List<Piece> written = new ArrayList<>(
                    kept.subMap(first == null ? 0 : first, offset + length).values());
            for (Piece piece : written) {
                if (piece.offset + piece.bytes.length > offset) {
                    drop(piece);
                }
            }
        } finally {
            lock.unlock();
        }
    }

    private void dropUpTo(long end) {
        // Read by a client that goes forwards: what lies behind will not be asked for again.
        while (!kept.isEmpty()) {
            Piece first = kept.firstEntry().getValue();
            if (first.offset + first.bytes.length > end || first.filling) {
                return;
            }
            drop(first);
        }
    }

    private void dropOld() {
        for (Piece piece : new ArrayList<>(kept.values())) {
            if (isOld(piece)) {
                drop(piece);
            }
        }
    }

    private boolean isOld(Piece piece) {
        return ticker.nanoTime() - piece.begunNanos > ageMax.toNanos();
    }

    private void drop(Piece piece) {
        if (!piece.dropped) {
            piece.dropped = true;
            kept.remove(piece.offset);
            empty = kept.isEmpty();
            if (!piece.filling) {
                pieces.release();
            }
            changed.signalAll();
        }
    }

    /** Drops everything: what is here may not be the newest any more, or nobody will ask for it. */
    void dropAll() {
        drop(0, Long.MAX_VALUE);
    }

    /** Keeps nothing from now on, and returns when nothing is being read. */
    void close() {
        lock.lock();
        try {
            closed = true;
            dropAll();
            while (filling > 0) {
                changed.awaitUninterruptibly();
            }
        } finally {
            lock.unlock();
        }
    }
}
