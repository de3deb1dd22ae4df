package io.fdbnbd.server;

import io.fdbnbd.nbd.Framing;
import io.fdbnbd.nbd.ReadReply;
import io.fdbnbd.nbd.Request;
import io.fdbnbd.util.Threads;
import io.fdbnbd.volume.RangeRead;
import io.fdbnbd.volume.Volume;
import io.fdbnbd.volume.VolumeException;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * Serves READs. Belongs to the connection's reader; what waits for the store runs on the volume's executor, and READs
 * longer than {@link BufferPool#READ_CHUNK_BYTES} on a thread of their own, both counted by the {@link ReplySender}.
 */
final class Reads {
    private static final int MUST_WAIT = -1;

    /** READs of one gulp that are made together: one trip, one thread and one call to send the replies. */
    private static final int TOGETHER_MAX = 16;

    private static final int TOGETHER_BYTES_MAX = 256 << 10;

    private final Volume volume;
    private final Errors errors;
    private final ReplySender sender;
    private final GulpReplies replies;
    private final BufferPool pool;
    private final Gulps gulps;
    private final Framing framing;
    private final int headerBytes;
    private final RequestTimes times;
    private final String name;
    private final ReadPattern pattern = new ReadPattern();
    private final List<WaitingRead> waiting = new ArrayList<>(TOGETHER_MAX);
    private int waitingBytes;

    Reads(
            Volume volume,
            Errors errors,
            ReplySender sender,
            GulpReplies replies,
            BufferPool pool,
            Gulps gulps,
            Framing framing,
            RequestTimes times,
            String name) {
        this.volume = volume;
        this.errors = errors;
        this.sender = sender;
        this.replies = replies;
        this.pool = pool;
        this.gulps = gulps;
        this.framing = framing;
        this.headerBytes = framing.readHeaderBytes();
        this.times = times;
        this.name = name;
    }

    /** @param more whether more requests of the gulp follow */
    void read(Request request, boolean more) throws IOException, InterruptedException {
        noteAndReadAhead(request, more);
        if (request.length() > BufferPool.READ_CHUNK_BYTES) {
            readLong(request);
            return;
        }
        int replyBytes = headerBytes + (int) request.length();
        ByteBuffer out = replies.room(replyBytes, more);
        if (out == null) {
            readIntoOwnBuffer(request, replyBytes);
            return;
        }
        int error = read(request, out, waitsHere());
        if (error == MUST_WAIT) {
            ByteBuffer buffer = pool.tryTake(replyBytes);
            if (buffer == null) {
                readThroughShare(request);
            } else {
                readLater(request, buffer);
            }
        } else if (error != 0) {
            replies.add(request, error);
        }
    }

    private void noteAndReadAhead(Request request, boolean more) {
        pattern.note(request, !more && replies.isEmpty() && sender.isIdle());
        if (pattern.isInOrder()) {
            volume.readAhead(request.offset() + request.length());
        }
    }

    /**
     * Whether this thread itself waits for the store. For a client that has one request at a time that saves waking
     * another; if it sends more after all, they wait for this one.
     */
    private boolean waitsHere() {
        return pattern.isOneByOne() && volume.isForVirtualThreads();
    }

    /** A READ whose reply does not fit between the others. */
    private void readIntoOwnBuffer(Request request, int replyBytes) throws IOException, InterruptedException {
        ByteBuffer buffer = pool.tryTake(replyBytes);
        if (buffer == null) {
            readThroughShare(request);
            return;
        }
        int error;
        try {
            error = read(request, buffer, waitsHere());
            if (error == 0) {
                replies.flushWith(buffer.flip());
            } else if (error != MUST_WAIT) {
                replies.add(request, error);
            }
        } catch (IOException e) {
            pool.give(buffer);
            throw e;
        }
        if (error == MUST_WAIT) {
            readLater(request, buffer);
        } else {
            pool.give(buffer);
        }
    }

    /**
     * Puts a whole reply at the position of {@code out}, or leaves the position and returns why.
     *
     * @param wait whether to wait for the store, instead of returning MUST_WAIT
     */
    private int read(Request request, ByteBuffer out, boolean wait) {
        int start = out.position();
        int limit = out.limit();
        int data = start + headerBytes;
        out.limit(data + (int) request.length()).position(data);
        int error;
        try {
            if (wait) {
                volume.read(request.offset(), out);
                error = 0;
            } else {
                error = request.length() == 0 || volume.tryRead(request.offset(), out) ? 0 : MUST_WAIT;
            }
        } catch (VolumeException | RuntimeException e) {
            error = errors.report(volume.info().name(), request, e);
        }
        out.limit(limit);
        if (error == 0) {
            ReadReply.put(framing, request, out, start);
            times.answered(request, times.arrivedNanos(), 0);
        } else {
            out.position(start);
        }
        return error;
    }

    private void readLater(Request request, ByteBuffer buffer) throws IOException, InterruptedException {
        int replyBytes = headerBytes + (int) request.length();
        try {
            begin(replyBytes);
        } catch (IOException | InterruptedException e) {
            pool.give(buffer);
            throw e;
        }
        buffer.limit(replyBytes).position(headerBytes);
        waiting.add(new WaitingRead(request, buffer, new RangeRead(request.offset(), buffer)));
        waitingBytes += replyBytes;
        boolean alone = !volume.isForVirtualThreads();
        if (alone || waiting.size() == TOGETHER_MAX || waitingBytes >= TOGETHER_BYTES_MAX) {
            launch();
        }
    }

    /** Whether no request of the connection waits, of whatever kind. */
    boolean isIdle() {
        return sender.isIdle();
    }

    /** Lets go what waits for more of its gulp. Before the reader may have to wait for anything. */
    void launch() {
        if (waiting.isEmpty()) {
            return;
        }
        List<WaitingRead> reads = List.copyOf(waiting);
        waiting.clear();
        waitingBytes = 0;
        try {
            volume.executor().execute(() -> sendReplies(readNow(reads)));
        } catch (RuntimeException e) { // it does not take tasks any more
            sendReplies(reads.stream().map(read -> read.failed(e)).toList());
        }
    }

    private List<Reply> readNow(List<WaitingRead> reads) {
        try {
            volume.read(reads.stream().map(WaitingRead::range).toList());
        } catch (Throwable e) { // there have to be replies, whatever happens
            return reads.stream().map(read -> read.failed(e)).toList();
        }
        return reads.stream().map(WaitingRead::reply).toList();
    }

    private void sendReplies(List<Reply> all) {
        if (Thread.currentThread().isVirtual()) {
            sender.sendFromOwnThread(all);
        } else {
            // One of few: a client that takes its time must not have it.
            all.forEach(sender::sendLater);
        }
    }

    /** A READ that waits for the store, counted by the sender from its begin to its reply. */
    private final class WaitingRead {
        private final Request request;
        private final long arrivedNanos = times.arrivedNanos();
        private final ByteBuffer buffer;
        private final RangeRead range;

        WaitingRead(Request request, ByteBuffer buffer, RangeRead range) {
            this.request = request;
            this.buffer = buffer;
            this.range = range;
        }

        RangeRead range() {
            return range;
        }

        Reply reply() {
            VolumeException failure = range.failure();
            if (failure != null) {
                return failed(failure);
            }
            ReadReply.put(framing, request, buffer, 0);
            return new Reply(request, arrivedNanos, 0, buffer.flip(), replyBytes());
        }

        Reply failed(Throwable cause) {
            int error = errors.report(volume.info().name(), request, cause);
            return new Reply(request, arrivedNanos, error, buffer, replyBytes());
        }

        private int replyBytes() {
            return headerBytes + (int) request.length();
        }
    }

    private void readLong(Request request) throws IOException, InterruptedException {
        long arrivedNanos = times.arrivedNanos();
        ByteBuffer buffer = pool.tryTake(BufferPool.READ_CHUNK_BYTES);
        if (buffer == null) {
            readThroughShare(request);
            return;
        }
        try {
            begin(buffer.capacity());
        } catch (IOException | InterruptedException e) {
            pool.give(buffer);
            throw e;
        }
        Threads.startVirtual(name + "-read", () -> {
            int replyBytes = buffer.capacity();
            PiecewiseRead read = new PiecewiseRead(request, volume, errors, sender, framing);
            int error = read.run(buffer);
            if (error == 0) {
                times.record(request, arrivedNanos, read.errorSent());
                pool.give(buffer);
                sender.end(replyBytes);
            } else {
                sender.sendLater(new Reply(request, arrivedNanos, error, buffer, replyBytes));
            }
        });
    }

    /** Where the pool has nothing left: slow, but it needs nothing of what others may be sitting on. */
    private void readThroughShare(Request request) throws IOException {
        launch();
        ByteBuffer share = replies.flushAndBorrowShare();
        PiecewiseRead read = new PiecewiseRead(request, volume, errors, sender, framing);
        int error = read.run(share);
        share.clear();
        if (error == 0) {
            times.record(request, times.arrivedNanos(), read.errorSent());
        } else {
            replies.add(request, error);
        }
    }

    /** The replies so far must not wait for what this may have to wait for. */
    private void begin(int replyBytes) throws IOException, InterruptedException {
        if (!sender.tryBegin(replyBytes)) {
            launch();
            replies.flush();
            sender.begin(replyBytes);
            if (!gulps.look()) {
                sender.end(replyBytes);
                throw new EOFException("the stream ended while a READ waited for others");
            }
        }
    }
}
