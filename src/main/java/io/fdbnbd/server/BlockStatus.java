package io.fdbnbd.server;

import io.fdbnbd.nbd.Framing;
import io.fdbnbd.nbd.Nbd;
import io.fdbnbd.nbd.Request;
import io.fdbnbd.nbd.StatusExtent;
import io.fdbnbd.volume.Extent;
import io.fdbnbd.volume.Volume;
import io.fdbnbd.volume.VolumeException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.FutureTask;
import org.jspecify.annotations.Nullable;

/**
 * Serves BLOCK_STATUS. Belongs to the connection's reader; the volume's executor finds out, since that waits for the
 * store.
 */
final class BlockStatus {

    /** Of a reply: about a thousand extents, after which a client asks again. */
    private static final int REPLY_BYTES = 8 << 10;

    private final Volume volume;
    private final Errors errors;
    private final ReplySender sender;
    private final GulpReplies replies;
    private final BufferPool pool;
    private final Framing framing;
    private final RequestTimes times;

    BlockStatus(
            Volume volume,
            Errors errors,
            ReplySender sender,
            GulpReplies replies,
            BufferPool pool,
            Framing framing,
            RequestTimes times) {
        this.volume = volume;
        this.errors = errors;
        this.sender = sender;
        this.replies = replies;
        this.pool = pool;
        this.framing = framing;
        this.times = times;
    }

    void status(Request request) throws IOException, InterruptedException {
        long arrivedNanos = times.arrivedNanos();
        ByteBuffer buffer = pool.tryTake(REPLY_BYTES);
        if (buffer == null) {
            statusInTurn(request);
            return;
        }
        try {
            if (!sender.tryBegin(REPLY_BYTES)) {
                replies.flush();
                sender.begin(REPLY_BYTES);
            }
        } catch (IOException | InterruptedException e) {
            pool.give(buffer);
            throw e;
        }
        try {
            volume.executor().execute(() -> {
                Reply reply = new Reply(request, arrivedNanos, put(request, buffer), buffer, REPLY_BYTES);
                if (Thread.currentThread().isVirtual()) {
                    sender.sendFromOwnThread(reply);
                } else {
                    sender.sendLater(reply);
                }
            });
        } catch (RuntimeException e) { // it does not take tasks any more
            sender.sendLater(new Reply(request, arrivedNanos, report(request, e), buffer, REPLY_BYTES));
        }
    }

    private int put(Request request, ByteBuffer buffer) {
        try {
            framing.putStatus(buffer, request, extents(request));
        } catch (Throwable e) { // there has to be a reply, whatever happens
            return report(request, e);
        }
        buffer.flip();
        return 0;
    }

    /** Where the pool has nothing left: the connection waits for it. */
    private void statusInTurn(Request request) throws IOException {
        replies.flush();
        @Nullable ByteBuffer out = replies.room(REPLY_BYTES, false);
        try {
            FutureTask<List<StatusExtent>> task = new FutureTask<>(() -> extents(request));
            volume.executor().execute(task);
            framing.putStatus(Objects.requireNonNull(out), request, PiecewiseRead.await(task));
        } catch (VolumeException | RuntimeException e) {
            replies.add(request, report(request, e));
        }
    }

    private List<StatusExtent> extents(Request request) throws VolumeException {
        int max = request.has(Nbd.CMD_FLAG_REQ_ONE) ? 1 : framing.statusExtentsMax(REPLY_BYTES);
        return volume.extents(request.offset(), request.length()).stream()
                .limit(max)
                .map(BlockStatus::told)
                .toList();
    }

    private static StatusExtent told(Extent extent) {
        return new StatusExtent(extent.bytes(), extent.stored() ? 0 : Nbd.STATE_HOLE | Nbd.STATE_ZERO);
    }

    private int report(Request request, Throwable failure) {
        return errors.report(volume.info().name(), request, failure);
    }
}
