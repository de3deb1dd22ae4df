package io.fdbnbd.server;

import io.fdbnbd.nbd.Export;
import io.fdbnbd.nbd.Framing;
import io.fdbnbd.nbd.Nbd;
import io.fdbnbd.nbd.ProtocolException;
import io.fdbnbd.nbd.Request;
import io.fdbnbd.nbd.RequestRules;
import io.fdbnbd.util.Turns;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Serves requests: takes them out of the gulps, has them checked, and executes at once what needs no waiting. Belongs to
 * the connection's reader, whose loop this is.
 *
 * <p>The replies to all requests of a gulp go out in one call, before the next gulp is waited for. That is where the
 * speed at depth comes from: two system calls for all requests that a client has outstanding.
 */
final class Transmission {

    private final Export export;
    private final Framing framing;
    private final Gulps gulps;
    private final GulpReplies replies;
    private final Reads reads;
    private final Changes changes;
    private final BlockStatus blockStatus;
    private final int blockBytes;
    private final ConnectionStats stats;
    private final RequestTimes times;
    private final Turns turns = new Turns();

    /** Requests of the gulp in hand so far. */
    private int served;

    private boolean lastWasRead;

    Transmission(
            Export export,
            Framing framing,
            int blockBytes,
            Gulps gulps,
            GulpReplies replies,
            Reads reads,
            Changes changes,
            BlockStatus blockStatus,
            ConnectionStats stats,
            RequestTimes times) {
        this.export = export;
        this.framing = framing;
        this.blockBytes = blockBytes;
        this.gulps = gulps;
        this.replies = replies;
        this.reads = reads;
        this.changes = changes;
        this.blockStatus = blockStatus;
        this.stats = stats;
        this.times = times;
    }

    /**
     * Returns when the client has asked to disconnect, or has ended the stream between two requests. Requests may be
     * waiting then, whose replies are still to come.
     *
     * @throws ProtocolException if the client broke the protocol
     * @throws IOException if the connection failed
     */
    void run() throws IOException, InterruptedException {
        try {
            serve();
        } finally {
            // They are counted as under way, whatever became of the connection.
            reads.launch();
            changes.commit();
        }
        replies.endGulp();
    }

    private void serve() throws IOException, InterruptedException {
        while (serveGulp()) {
            reads.launch();
            endGulp();
            if (!gulps.receive(served == 1 && lastWasRead && reads.isIdle())) {
                if (gulps.buffer().hasRemaining()) {
                    throw new EOFException("the stream ended inside of a request");
                }
                return;
            }
        }
    }

    /** Before more is waited for; replies first, so that the client is at work meanwhile. */
    private void endGulp() throws IOException, InterruptedException {
        replies.endGulp();
        changes.commit();
        turns.letOthersRun();
    }

    /** Serves every request that is there as a whole. Returns false after DISC, and if the client has hung up. */
    private boolean serveGulp() throws IOException, InterruptedException {
        times.arrived();
        served = 0;
        ByteBuffer in = gulps.buffer();
        while (in.remaining() >= framing.requestBytes()) {
            if (gulps.isHungUp()) {
                return false;
            }
            int start = in.position();
            Request request = Request.take(in, framing);
            if (request.type() == Nbd.CMD_DISC) {
                return false;
            }
            int error = RequestRules.check(request, export);
            if (error == RequestRules.DISCONNECT) {
                throw new ProtocolException("a payload of " + request.length() + " bytes is more than the "
                        + Nbd.PAYLOAD_BYTES_MAX + " that are taken");
            }
            served++;
            lastWasRead = request.type() == Nbd.CMD_READ;
            long payloadBytes = request.payloadBytes();
            turns.did(framing.requestBytes() + Math.min(payloadBytes, in.remaining()));
            if (payloadBytes > in.remaining()) {
                if (error == 0 && payloadBytes + framing.requestBytes() <= in.capacity()) {
                    in.position(start);
                    return true; // the next gulp has the rest
                }
                stats.count(request, error == 0);
                receivePayload(request, error);
                in = gulps.buffer();
                continue;
            }
            stats.count(request, error == 0);
            if (error == 0) {
                execute(request, in);
            } else {
                in.position(in.position() + (int) payloadBytes);
                replies.add(request, error);
            }
        }
        return true;
    }

    private void execute(Request request, ByteBuffer in) throws IOException, InterruptedException {
        if (request.type() != Nbd.CMD_READ) {
            reads.launch();
        }
        switch (request.type()) {
            case Nbd.CMD_READ -> {
                turns.did(request.length());
                reads.read(request, in.remaining() >= framing.requestBytes());
            }
            case Nbd.CMD_WRITE -> {
                int limit = in.limit();
                int end = in.position() + (int) request.length();
                changes.write(request, in.limit(end));
                in.limit(limit).position(end);
            }
            case Nbd.CMD_FLUSH -> changes.flush(request);
            case Nbd.CMD_TRIM, Nbd.CMD_WRITE_ZEROES -> changes.zero(request);
            case Nbd.CMD_BLOCK_STATUS -> blockStatus.status(request);
            case Nbd.CMD_CACHE -> replies.add(request, 0);
            default -> throw new IllegalStateException("a command passed the rules that nobody serves");
        }
    }

    /**
     * Takes the payload of a WRITE piece by piece, as it arrives: it may be larger than any buffer. The pieces end where
     * blocks do, so that no block is put together twice. A refused one's payload is dropped, for the next request
     * starts behind it.
     */
    private void receivePayload(Request request, int error) throws IOException, InterruptedException {
        reads.launch();
        if (error != 0) {
            passPayload(request, null);
            replies.add(request, error);
            return;
        }
        Changes.StreamedWrite write = changes.writeStreamed(request);
        boolean complete = false;
        try {
            passPayload(request, write);
            complete = true;
        } finally {
            if (!complete) {
                write.abandon();
            }
        }
        write.end();
    }

    private void passPayload(Request request, Changes.@Nullable StreamedWrite write)
            throws IOException, InterruptedException {
        long at = request.offset();
        long left = request.length();
        while (left > 0) {
            ByteBuffer in = gulps.buffer();
            long bytes = Math.min(left, in.remaining());
            if (write != null && bytes < left) {
                bytes = Math.max(0, bytes - (at + bytes) % blockBytes);
            }
            if (bytes == 0) {
                endGulp();
                if (!gulps.receiveRest()) {
                    throw new EOFException("the stream ended inside of a WRITE's data");
                }
                times.arrived();
                turns.did(gulps.buffer().remaining());
                continue;
            }
            int end = in.position() + (int) bytes;
            if (write != null) {
                int limit = in.limit();
                write.accept(in.limit(end));
                in.limit(limit);
            }
            in.position(end);
            at += bytes;
            left -= bytes;
        }
    }
}
