package io.fdbnbd.server;

import io.fdbnbd.nbd.Framing;
import io.fdbnbd.nbd.Nbd;
import io.fdbnbd.nbd.ReadReply;
import io.fdbnbd.nbd.Request;
import io.fdbnbd.volume.Volume;
import io.fdbnbd.volume.VolumeException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import org.tinylog.Logger;

/**
 * A READ that is sent while it is read, through a buffer that need not hold it whole: for READs that are longer than what
 * is kept in memory for one, or for want of memory.
 *
 * <p>In chunks, each piece is complete in itself, others' replies may go out in between, and a failure has a chunk of its
 * own. A simple reply, and a chunk that must not be fragmented (DF), is one whole: no other reply can go out before its
 * end. A simple one has announced success by its first byte, so that a failure later can only end the connection.
 */
final class PiecewiseRead {
    private static final int BLOCK_BYTES = 4096;

    private final Request request;
    private final Volume volume;
    private final Errors errors;
    private final ReplySender sender;
    private final Framing framing;
    private int errorSent;

    PiecewiseRead(Request request, Volume volume, Errors errors, ReplySender sender, Framing framing) {
        this.request = request;
        this.volume = volume;
        this.errors = errors;
        this.sender = sender;
        this.framing = framing;
    }

    /**
     * Returns 0 if the request was answered (or the connection ended), else the error to reply with.
     *
     * @param buffer with room for {@link BufferPool#HEADER_ROOM_BYTES} besides the data of a piece
     */
    int run(ByteBuffer buffer) {
        int pieceBytes = buffer.capacity() - BufferPool.HEADER_ROOM_BYTES;
        // Pieces end where blocks do, which clients like, and no block is read for two of them.
        int length = (int) Math.min(request.length(), pieceBytes - request.offset() % BLOCK_BYTES);
        int header = framing.readHeaderBytes();
        try {
            readPiece(request.offset(), buffer.clear().limit(header + length).position(header));
        } catch (VolumeException | RuntimeException e) {
            return errors.report(volume.info().name(), request, e);
        }
        boolean inChunks = framing != Framing.SIMPLE && (!request.has(Nbd.CMD_FLAG_DF) || length == request.length());
        try {
            if (inChunks) {
                sendChunks(buffer, length, pieceBytes);
            } else {
                sendWhole(buffer, length, pieceBytes);
            }
        } catch (IOException e) {
            Logger.debug("a long read could not be sent: {}", e.getMessage());
        }
        return 0;
    }

    /** After {@link #run} returned 0: the error that the client was told of behind the beginning of the reply, or 0. */
    int errorSent() {
        return errorSent;
    }

    /** @param length of the first piece, which is in {@code buffer} */
    private void sendChunks(ByteBuffer buffer, int length, int pieceBytes) throws IOException {
        long end = request.offset() + request.length();
        int header = framing.readHeaderBytes();
        long at = request.offset();
        int bytes = length;
        while (true) {
            boolean last = at + bytes == end;
            buffer.limit(buffer.capacity());
            ReadReply.putPiece(framing, request, buffer, 0, at, last);
            sendAlone(buffer.flip());
            if (last) {
                return;
            }
            at += bytes;
            bytes = (int) Math.min(end - at, pieceBytes);
            try {
                readPiece(at, buffer.clear().limit(header + bytes).position(header));
            } catch (VolumeException | RuntimeException e) {
                errorSent = errors.report(volume.info().name(), request, e);
                framing.putErrorAt(buffer.clear(), request, errorSent, at);
                sendAlone(buffer.flip());
                return;
            }
        }
    }

    private void sendAlone(ByteBuffer chunks) throws IOException {
        sender.lockPieces();
        try {
            sender.sendPiece(chunks);
        } catch (IOException e) {
            sender.breakOff();
            throw e;
        } finally {
            sender.unlockPieces();
        }
    }

    /** @param length of the first piece, which is in {@code buffer} */
    private void sendWhole(ByteBuffer buffer, int length, int pieceBytes) throws IOException {
        sender.lockPieces();
        try {
            framing.putReadHeader(buffer.position(0), request);
            sender.sendPiece(buffer.position(0));
            sendRest(buffer, length, pieceBytes);
        } catch (IOException e) {
            sender.breakOff();
            throw e;
        } finally {
            sender.unlockPieces();
        }
    }

    private void sendRest(ByteBuffer buffer, int length, int pieceBytes) throws IOException {
        long at = request.offset() + length;
        long end = request.offset() + request.length();
        long failedAt = 0;
        while (at < end) {
            buffer.clear().limit((int) Math.min(end - at, pieceBytes));
            int bytes = buffer.remaining();
            if (errorSent == 0) {
                try {
                    readPiece(at, buffer);
                } catch (VolumeException | RuntimeException e) {
                    errorSent = errors.report(volume.info().name(), request, e);
                    failedAt = at;
                    if (framing == Framing.SIMPLE) {
                        sender.breakOff();
                        return;
                    }
                }
            }
            // Once it has failed the bytes mean nothing, but the chunk has to have the length that it announced.
            sender.sendPiece(errorSent == 0 ? buffer.flip() : zeroed(buffer, bytes));
            at += bytes;
        }
        if (errorSent != 0) {
            framing.putErrorAt(buffer.clear(), request, errorSent, failedAt);
            sender.sendPiece(buffer.flip());
        } else if (framing != Framing.SIMPLE) {
            framing.putBare(buffer.clear(), request, 0);
            sender.sendPiece(buffer.flip());
        }
    }

    private static ByteBuffer zeroed(ByteBuffer buffer, int bytes) {
        buffer.clear();
        for (int i = 0; i < bytes; i++) {
            buffer.put((byte) 0);
        }
        return buffer.flip();
    }

    private void readPiece(long at, ByteBuffer piece) throws VolumeException {
        int position = piece.position();
        if (volume.tryRead(at, piece)) {
            return;
        }
        piece.position(position);
        FutureTask<Boolean> task = new FutureTask<>(() -> {
            volume.read(at, piece);
            return true;
        });
        volume.executor().execute(task);
        await(task);
    }

    /** Waits through interrupts: the buffer is the task's until it is done. */
    static <T> T await(FutureTask<T> task) throws VolumeException {
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    return task.get();
                } catch (InterruptedException e) {
                    interrupted = true;
                } catch (ExecutionException e) {
                    if (e.getCause() instanceof VolumeException failure) {
                        throw failure;
                    }
                    throw new IllegalStateException("reading a piece failed", e.getCause());
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
