package io.fdbnbd.server;

import io.fdbnbd.nbd.Export;
import io.fdbnbd.nbd.Handshake;
import io.fdbnbd.nbd.ProtocolException;
import io.fdbnbd.util.Sizes;
import io.fdbnbd.volume.Volume;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.tinylog.Logger;

/**
 * One client, from its first byte to its last.
 *
 * <p>Threads: {@link #run} is the body of the connection's own virtual thread, the reader; it owns everything here that
 * has no comment of its own. {@link #stopReading} and {@link #cut} are for any thread. The watchdog calls
 * {@link #watch}. What else runs for a connection is described by {@link ReplySender}, and has ended when {@link #run}
 * returns.
 */
final class Connection implements Runnable {

    private enum Phase {
        HANDSHAKE,
        TRANSMISSION,
        /** No request is read any more; replies may still be under way. */
        ENDING,
        /** Nothing is under way; the volume is being closed, if this was its last connection. */
        DETACHING
    }

    private final NbdServer server;
    private final SocketChannel channel;
    private final String name;
    private final String peer;
    private final VolumeExports exports;
    private final ReplySender sender;
    private final ConnectionStats stats = new ConnectionStats();
    private final long startNanos;

    /** Makes {@link #interrupt} and the begin of the detaching exclude each other. */
    private final ReentrantLock interruptLock = new ReentrantLock();

    /** Written by the reader, read by the watchdog and by {@link #interrupt}. */
    private volatile Phase phase = Phase.HANDSHAKE;

    /** Why somebody else closed the channel. */
    private volatile @Nullable String cutReason;

    /** These two are the watchdog's. */
    private long sendMark;

    private long sendMarkNanos;

    Connection(NbdServer server, SocketChannel channel, String name, String peer) {
        this.server = server;
        this.channel = channel;
        this.name = name;
        this.peer = peer;
        this.exports = new VolumeExports(server.volumes(), server.options().readOnly());
        this.sender = new ReplySender(channel, server.sharedBuffers(), name);
        this.startNanos = server.ticker().nanoTime();
    }

    String name() {
        return name;
    }

    @Override
    public void run() {
        ByteBuffer in = null;
        ByteBuffer out = null;
        try {
            in = server.shares().tryTake(BufferPool.SHARE_BYTES);
            out = server.shares().tryTake(BufferPool.SHARE_BYTES);
            if (in == null || out == null) {
                Logger.warn("{} from {} was closed: there is no memory for another connection", name, peer);
            } else {
                serve(in, out);
            }
        } catch (ProtocolException e) {
            Logger.info("{} from {} was closed: {}", name, peer, e.getMessage());
        } catch (IOException e) {
            String reason = cutReason;
            if (reason == null) {
                Logger.debug("{} from {} ended: {}", name, peer, e.toString());
            } else {
                Logger.info("{} from {} was closed: {}", name, peer, reason);
            }
        } catch (InterruptedException e) {
            Logger.debug("{} from {} was interrupted", name, peer);
        } catch (Throwable e) {
            Logger.error(e, "{} from {} was closed because of a bug in this program", name, peer);
        } finally {
            end(in, out);
        }
    }

    private void serve(ByteBuffer in, ByteBuffer out) throws IOException, InterruptedException {
        Export export = negotiate(in, out);
        if (export == null) {
            return;
        }
        phase = Phase.TRANSMISSION;
        Volume volume = exports.volume();
        Logger.info("volume {}: attached to {} from {}", export.name(), name, peer);
        BufferPool pool = server.sharedBuffers();
        Gulps gulps = new Gulps(channel, pool, in);
        RequestTimes times = new RequestTimes(server.ticker(), volume.meter());
        sender.measureWith(times);
        GulpReplies replies = new GulpReplies(sender, pool, out, times);
        Reads reads = new Reads(volume, server.errors(), sender, replies, pool, times, name);
        Changes changes = new Changes(volume, server.errors(), sender, replies, times, name);
        try {
            new Transmission(export, volume.info().blockBytes(), gulps, replies, reads, changes, stats, times).run();
            phase = Phase.ENDING;
            sender.finish();
        } finally {
            phase = Phase.ENDING;
            gulps.giveBack();
            replies.giveBack();
        }
    }

    /** Returns the export to serve, with what was received behind the handshake in {@code in}; null to close. */
    private @Nullable Export negotiate(ByteBuffer in, ByteBuffer out) throws IOException {
        Handshake handshake = new Handshake(exports);
        handshake.greet(out);
        in.flip();
        while (true) {
            Handshake.Step step = handshake.advance(in, out);
            sender.send(out.flip(), null);
            out.clear();
            switch (step) {
                case TRANSMISSION -> {
                    return handshake.export();
                }
                case CLOSE -> {
                    Logger.debug("{} from {} was closed: {}", name, peer, handshake.closeReason());
                    return null;
                }
                case MORE_ROOM -> {}
                case MORE_INPUT -> {
                    in.compact();
                    if (channel.read(in) < 0) {
                        return null;
                    }
                    in.flip();
                }
            }
        }
    }

    private void end(@Nullable ByteBuffer in, @Nullable ByteBuffer out) {
        phase = Phase.ENDING;
        try {
            channel.close();
        } catch (IOException e) {
            Logger.debug("{}: closing failed: {}", name, e.getMessage());
        }
        try {
            sender.finish();
        } finally {
            if (in != null) {
                server.shares().give(in);
            }
            if (out != null) {
                server.shares().give(out);
            }
            if (exports.isAttached()) {
                logDetach();
            }
            beginDetaching();
            exports.close();
            server.ended(this);
        }
    }

    /** Closing a volume saves what is in its buffer, which no deadline of a connection may interrupt. */
    private void beginDetaching() {
        interruptLock.lock();
        try {
            phase = Phase.DETACHING;
            Thread.interrupted();
        } finally {
            interruptLock.unlock();
        }
    }

    private void logDetach() {
        Logger.info(
                "volume {}: detached from {} from {} after {} s: {} requests ({} refused), {} read, {} written",
                exports.volume().info().name(),
                name,
                peer,
                Duration.ofNanos(server.ticker().nanoTime() - startNanos).toSeconds(),
                stats.requests(),
                stats.refused(),
                Sizes.format(stats.readBytes()),
                Sizes.format(stats.writtenBytes()));
    }

    /** Any thread. */
    boolean isEnding() {
        return phase == Phase.ENDING;
    }

    /** What is under way is finished and answered; then the connection ends. A handshake ends at once. */
    void stopReading() {
        try {
            if (phase == Phase.HANDSHAKE) {
                cut("the server is stopping");
            } else {
                channel.shutdownInput();
            }
        } catch (IOException e) {
            Logger.debug("{}: it had ended already: {}", name, e.getMessage());
        }
    }

    /** Closes the connection under the reader's feet. */
    void cut(String reason) {
        cutReason = reason;
        try {
            channel.close();
        } catch (IOException e) {
            Logger.debug("{}: closing failed: {}", name, e.getMessage());
        }
    }

    /** Ends what the reader waits for, except the closing of the volume. Any thread, after {@link #cut}. */
    void interrupt(Thread reader) {
        interruptLock.lock();
        try {
            if (phase != Phase.DETACHING) {
                reader.interrupt();
            }
        } finally {
            interruptLock.unlock();
        }
    }

    /**
     * Cuts a client that takes too long to choose an export, that takes nothing of its replies, or whose volume was lost.
     *
     * @param needed whether others would have use for what a client sits on that does not move
     */
    void watch(long nowNanos, boolean needed) {
        ServerOptions options = server.options();
        if (phase == Phase.HANDSHAKE) {
            if (!exports.isAttaching()
                    && nowNanos - startNanos > options.handshakeDeadline().toNanos()) {
                cut("it did not choose an export within "
                        + options.handshakeDeadline().toSeconds() + " s");
            }
            return;
        }
        if (phase == Phase.TRANSMISSION && exports.volume().isLost()) {
            cut("this server does not own the volume any more");
            return;
        }
        long mark = sender.sendMark();
        if (mark == 0 || mark != sendMark) {
            sendMark = mark;
            sendMarkNanos = nowNanos;
        } else if ((needed || phase == Phase.ENDING)
                && nowNanos - sendMarkNanos > options.stallDeadline().toNanos()) {
            cut("it took nothing of its replies for " + options.stallDeadline().toSeconds() + " s");
        }
    }
}
