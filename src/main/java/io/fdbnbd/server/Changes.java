package io.fdbnbd.server;

import io.fdbnbd.nbd.Nbd;
import io.fdbnbd.nbd.Request;
import io.fdbnbd.volume.CommitListener;
import io.fdbnbd.volume.Volume;
import io.fdbnbd.volume.VolumeException;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Serves what changes a volume, and FLUSH. Belongs to the connection's reader, except for what the volume tells about
 * commits: that comes from any thread.
 */
final class Changes {
    private final Volume volume;
    private final Errors errors;
    private final ReplySender sender;
    private final GulpReplies replies;
    private final Gulps gulps;
    private final RequestTimes times;
    private final Flushes flushes;

    Changes(
            Volume volume,
            Errors errors,
            ReplySender sender,
            GulpReplies replies,
            Gulps gulps,
            RequestTimes times,
            String name) {
        this.volume = volume;
        this.errors = errors;
        this.sender = sender;
        this.replies = replies;
        this.gulps = gulps;
        this.times = times;
        this.flushes = new Flushes(volume, errors, sender, name);
    }

    /** A WRITE whose payload is all of {@code payload}. */
    void write(Request request, ByteBuffer payload) throws IOException, InterruptedException {
        if (waitsForCommit(request)) {
            StreamedWrite write = new StreamedWrite(request);
            write.accept(payload);
            write.end();
            return;
        }
        int error = 0;
        try {
            volume.write(request.offset(), payload, null, gulps::look);
        } catch (VolumeException | RuntimeException e) {
            error = errors.report(volume.info().name(), request, e);
        }
        replyUncommitted(request, error, times.arrivedNanos());
    }

    /** A WRITE whose payload arrives in pieces. */
    StreamedWrite writeStreamed(Request request) throws IOException, InterruptedException {
        return new StreamedWrite(request);
    }

    /** TRIM and WRITE_ZEROES: both read as zeroes afterwards, and both cost the same for any length. */
    void zero(Request request) throws IOException, InterruptedException {
        Pending pending = waitsForCommit(request) ? begin(request, times.arrivedNanos()) : null;
        int error = 0;
        try {
            if (request.length() > 0) {
                if (pending != null) {
                    pending.expect();
                }
                volume.zero(request.offset(), request.length(), pending, gulps::look);
            }
        } catch (VolumeException | RuntimeException e) {
            if (pending != null) {
                pending.fail(e);
                pending.ended();
            } else {
                error = errors.report(volume.info().name(), request, e);
            }
        }
        if (pending != null) {
            pending.ended();
        } else {
            replyUncommitted(request, error, times.arrivedNanos());
        }
    }

    /** As {@link Volume#commitHere}, for what the requests so far have written. */
    void commit() {
        volume.commitHere();
    }

    void flush(Request request) throws IOException, InterruptedException {
        long arrivedNanos = times.arrivedNanos();
        beginWaiting();
        flushes.add(request, arrivedNanos);
    }

    private boolean waitsForCommit(Request request) {
        return request.has(Nbd.CMD_FLAG_FUA) || volume.answersWhenCommitted();
    }

    /** Replies to a change that waits for no commit; the first of a burst waits until the volume is marked. */
    private void replyUncommitted(Request request, int error, long arrivedNanos)
            throws IOException, InterruptedException {
        if (error != 0 || volume.isMarked()) {
            replies.add(request, error, arrivedNanos);
        } else {
            volume.whenMarked(begin(request, arrivedNanos));
        }
    }

    private Pending begin(Request request, long arrivedNanos) throws IOException, InterruptedException {
        beginWaiting();
        return new Pending(request, arrivedNanos);
    }

    /** The replies so far must not wait for what this may have to wait for. */
    private void beginWaiting() throws IOException, InterruptedException {
        if (!sender.tryBegin(0)) {
            replies.flush();
            sender.begin(0);
            if (!gulps.look()) {
                sender.end(0);
                throw new EOFException("the stream ended while a request waited for others");
            }
        }
    }

    /** A WRITE as it arrives. After a failure the rest is taken and ignored, and the end reports it. */
    final class StreamedWrite {
        private final Request request;
        private final long arrivedNanos = times.arrivedNanos();
        private final @Nullable Pending pending;
        private long at;
        private @Nullable Throwable failure;

        private StreamedWrite(Request request) throws IOException, InterruptedException {
            this.request = request;
            this.pending = waitsForCommit(request) ? begin(request, arrivedNanos) : null;
            this.at = request.offset();
        }

        /** Takes all of {@code piece}. */
        void accept(ByteBuffer piece) {
            int bytes = piece.remaining();
            if (bytes > 0 && failure == null) {
                try {
                    if (pending != null) {
                        pending.expect();
                    }
                    volume.write(at, piece, pending, gulps::look);
                } catch (VolumeException | RuntimeException e) {
                    failure = e;
                    if (pending != null) {
                        pending.fail(e);
                        pending.ended();
                    }
                }
            }
            at += bytes;
        }

        /** Replies, at once or when all of it has committed. */
        void end() throws IOException, InterruptedException {
            if (pending != null) {
                pending.ended();
            } else {
                int error = failure == null ? 0 : errors.report(volume.info().name(), request, failure);
                replyUncommitted(request, error, arrivedNanos);
            }
        }

        /** The rest of the payload never came: there is nobody to reply to, but what was begun has to end. */
        void abandon() {
            if (pending != null) {
                pending.abandoned = true;
                pending.ended();
            }
        }
    }

    /** Waits for the commits of one request's parts; its own end counts as one, so that it cannot end before them. */
    private final class Pending implements CommitListener {
        private final Request request;
        private final long arrivedNanos;
        private final AtomicInteger parts = new AtomicInteger(1);
        private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();

        /** Set by the reader before its own {@link #ended}, which is what publishes it. */
        private boolean abandoned;

        Pending(Request request, long arrivedNanos) {
            this.request = request;
            this.arrivedNanos = arrivedNanos;
        }

        void expect() {
            parts.incrementAndGet();
        }

        void fail(Throwable cause) {
            failure.compareAndSet(null, cause);
        }

        @Override
        public void committed(@Nullable VolumeException cause) {
            if (cause != null) {
                fail(cause);
            }
            ended();
        }

        void ended() {
            if (parts.decrementAndGet() > 0) {
                return;
            }
            if (abandoned) {
                sender.end(0);
                return;
            }
            if (failure.get() == null && request.has(Nbd.CMD_FLAG_FUA) && !volume.answersWhenCommitted()) {
                try {
                    volume.executor().execute(this::syncAndReply);
                    return;
                } catch (RuntimeException e) { // it does not take tasks any more
                    fail(e);
                }
            }
            reply();
        }

        private void syncAndReply() {
            try {
                volume.sync();
            } catch (Throwable e) { // there has to be a reply, whatever happens
                fail(e);
            }
            reply();
        }

        private void reply() {
            Throwable cause = failure.get();
            int error = cause == null ? 0 : errors.report(volume.info().name(), request, cause);
            sender.sendLater(new Reply(request, arrivedNanos, error, null, 0));
        }
    }
}
