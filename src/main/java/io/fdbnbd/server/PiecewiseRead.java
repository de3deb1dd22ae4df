package io.fdbnbd.server;

import io.fdbnbd.nbd.Nbd;
import io.fdbnbd.nbd.Replies;
import io.fdbnbd.nbd.Request;
import io.fdbnbd.volume.Volume;
import io.fdbnbd.volume.VolumeException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import org.tinylog.Logger;

/**
 * A READ that is sent while it is read, through a buffer that need not hold it whole. No other reply can go out in
 * between, and a failure after the first piece can only end the connection: a simple reply has announced success by
 * then. So this is for READs that are longer than what is kept in memory for one, or for want of memory.
 */
final class PiecewiseRead {
    private final Request request;
    private final Volume volume;
    private final Errors errors;
    private final ReplySender sender;

    PiecewiseRead(Request request, Volume volume, Errors errors, ReplySender sender) {
        this.request = request;
        this.volume = volume;
        this.errors = errors;
        this.sender = sender;
    }

    /**
     * Returns 0 if the request was answered (or the connection ended), else the error to reply with.
     *
     * @param buffer with room for {@link BufferPool#HEADER_ROOM_BYTES} besides the data of a piece
     */
    int run(ByteBuffer buffer) {
        int pieceBytes = buffer.capacity() - BufferPool.HEADER_ROOM_BYTES;
        long at = request.offset();
        long left = request.length();
        int length = (int) Math.min(left, pieceBytes);
        try {
            readPiece(at, buffer.clear().limit(Nbd.SIMPLE_REPLY_BYTES + length).position(Nbd.SIMPLE_REPLY_BYTES));
        } catch (VolumeException | RuntimeException e) {
            return errors.report(volume.info().name(), request, e);
        }
        Replies.setSimple(buffer, 0, 0, request.cookie());
        sender.lockPieces();
        try {
            sender.sendPiece(buffer.flip());
            for (left -= length, at += length; left > 0; left -= length, at += length) {
                length = (int) Math.min(left, pieceBytes);
                readPiece(at, buffer.clear().limit(length));
                sender.sendPiece(buffer.flip());
            }
        } catch (VolumeException | RuntimeException e) {
            errors.report(volume.info().name(), request, e);
            sender.breakOff();
        } catch (IOException e) {
            Logger.debug("a long read could not be sent: {}", e.getMessage());
            sender.breakOff();
        } finally {
            sender.unlockPieces();
        }
        return 0;
    }

    private void readPiece(long at, ByteBuffer piece) throws VolumeException {
        int position = piece.position();
        if (volume.tryRead(at, piece)) {
            return;
        }
        piece.position(position);
        FutureTask<Void> task = new FutureTask<>(() -> {
            volume.read(at, piece);
            return null;
        });
        volume.executor().execute(task);
        await(task);
    }

    /** Waits through interrupts: the buffer is the task's until it is done. */
    private static void await(FutureTask<Void> task) throws VolumeException {
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    task.get();
                    return;
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
