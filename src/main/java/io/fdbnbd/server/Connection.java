package io.fdbnbd.server;

import io.fdbnbd.nbd.Export;
import io.fdbnbd.nbd.Framing;
import io.fdbnbd.nbd.Handshake;
import io.fdbnbd.nbd.Nbd;
import io.fdbnbd.nbd.ProtocolException;
import io.fdbnbd.tls.SecureChannel;
import io.fdbnbd.util.Printable;
import io.fdbnbd.util.RateLimit;
import io.fdbnbd.util.Sizes;
import io.fdbnbd.volume.Volume;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.locks.ReentrantLock;
import javax.net.ssl.SSLException;
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
    private static final int LOGGED_CHARS_MAX = 500;

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
    private String peer;
    private final @Nullable InetAddress source;
    private final VolumeExports exports;
    private final ReplySender sender;
    /** What is received from: {@code channel}, or TLS over it. */
    private ReadableByteChannel input;

    private @Nullable SecureChannel secure;
    private final ConnectionStats stats = new ConnectionStats();
    private final Errors errors;
    private final long startNanos;

    /** Written once by the reader, read by the watchdog too. */
    private volatile Succession.@Nullable Place place;

    /** Makes {@link #interrupt} and the begin of the detaching exclude each other. */
    private final ReentrantLock interruptLock = new ReentrantLock();

    /** Written by the reader, read by the watchdog and by {@link #interrupt}. */
    private volatile Phase phase = Phase.HANDSHAKE;

    /** Whether the end of the stream that the reader sees is the server's doing. */
    private volatile boolean stopped;

    private volatile boolean displaced;

    /** Why somebody else closed the channel. */
    private volatile @Nullable String cutReason;

    private final StallWatch taking = new StallWatch();
    private final StallWatch giving = new StallWatch();

    /** Set by the reader before transmission, read by the watchdog. */
    private volatile @Nullable Gulps gulps;

    /** @param source the client's address; null for a unix socket */
    Connection(NbdServer server, SocketChannel channel, String name, String peer, @Nullable InetAddress source) {
        this.source = source;
        this.server = server;
        this.channel = channel;
        this.input = channel;
        this.name = name;
        this.peer = peer;
        this.exports = new VolumeExports(server.volumes(), server.options());
        this.sender = new ReplySender(channel, server.sharedBuffers(), name);
        this.errors = new Errors(server.failureLines());
        this.startNanos = server.ticker().nanoTime();
    }

    @Nullable
    InetAddress source() {
        return source;
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
                sayGoodbye();
            }
        } catch (ProtocolException e) {
            logForStrangers("was closed: " + e.getMessage());
        } catch (IOException e) {
            logEnd(e);
        } catch (InterruptedException e) {
            Logger.debug("{} from {} was interrupted", name, peer);
        } catch (Throwable e) {
            Logger.error(e, "{} from {} was closed because of a bug in this program", name, peer);
        } finally {
            end(in, out);
        }
    }

    private void logEnd(IOException e) {
        String reason = cutReason;
        if (reason == null) {
            Logger.debug("{} from {} ended: {}", name, peer, e.toString());
        } else if (phase == Phase.HANDSHAKE) {
            logForStrangers("was closed: " + reason);
        } else {
            Logger.info("{} from {} was closed: {}", name, peer, reason);
        }
    }

    /** For what whoever reaches the address can bring about as often as he likes, and have quoted. */
    private void logForStrangers(String what) {
        long suppressed = server.nonsenseLog().tryLine();
        if (suppressed >= 0) {
            String line = Printable.of(what, LOGGED_CHARS_MAX);
            Logger.info("{} from {} {}{}", name, peer, line, RateLimit.leftOut(suppressed));
        }
    }

    private void serve(ByteBuffer in, ByteBuffer out) throws IOException, InterruptedException {
        Handshake handshake = new Handshake(exports, server.options().access().handshakeTls());
        try {
            negotiate(handshake, in, out);
        } finally {
            // The client was told, but not all show it to who uses them.
            if (place == null && !handshake.refusal().isEmpty()) {
                logForStrangers("got no volume: " + handshake.refusal());
            }
        }
        Succession.Place own = place;
        if (own == null) {
            return;
        }
        Export export = handshake.export();
        Framing framing = handshake.framing();
        sender.use(framing);
        phase = Phase.TRANSMISSION;
        Logger.info("volume '{}': attached to {} from {}, {}", export.name(), name, peer, framing.description());
        RequestTimes times = new RequestTimes(exports.volume().meter());
        sender.measureWith(times);
        Gulps requests = new Gulps(
                gulpSource(), server.sharedBuffers(), in, own, new BriefLook(server.ticker(), server.lookTurn()));
        gulps = requests;
        GulpReplies replies = new GulpReplies(sender, server.sharedBuffers(), framing, out, times);
        try {
            if (export.has(Nbd.TRANSMIT_READ_ONLY) || awaitTurn(own, requests)) {
                transmission(export, framing, requests, replies, times).run();
            }
            own.leave();
            phase = Phase.ENDING;
            sender.finish();
        } finally {
            phase = Phase.ENDING;
            requests.giveBack();
            replies.giveBack();
        }
    }

    private Transmission transmission(
            Export export, Framing framing, Gulps requests, GulpReplies replies, RequestTimes times) {
        Volume volume = exports.volume();
        BufferPool pool = server.sharedBuffers();
        Reads reads = new Reads(volume, errors, sender, replies, pool, requests, framing, times, name);
        Changes changes = new Changes(volume, errors, sender, replies, requests, times, name);
        BlockStatus status = new BlockStatus(volume, errors, sender, replies, pool, framing, times);
        int blockBytes = volume.info().blockBytes();
        return new Transmission(export, framing, blockBytes, requests, replies, reads, changes, status, stats, times);
    }

    /** What changes nothing can come in any order. Returns false if the client hung up in the meantime. */
    private boolean awaitTurn(Succession.Place own, Gulps requests) throws InterruptedException {
        if (!server.options().multiConn()) {
            own.replaceElders();
            return true;
        }
        return !own.awaitElders() || requests.look();
    }

    private Gulps.Source gulpSource() {
        return new Gulps.Source() {
            @Override
            public int read(ByteBuffer dst) throws IOException {
                return input.read(dst);
            }

            @Override
            public int readWithoutWaiting(ByteBuffer dst) throws IOException, InterruptedException {
                return sender.readWithoutWaiting(dst);
            }

            @Override
            public boolean isEndedHere() {
                return stopped;
            }
        };
    }

    private Succession.Place join() {
        InputStream asStream = Channels.newInputStream(channel);
        Thread reader = Thread.currentThread();
        return server.succession().join(exports.volume().info().name(), () -> available(asStream), () -> {
            cut("a newer connection has replaced it");
            interrupt(reader);
        });
    }

    private static int available(InputStream stream) {
        try {
            return stream.available();
        } catch (IOException e) {
            return 0; // closed: nothing more is received
        }
    }

    /** Returns with a {@link #place}, and what was received behind the handshake in {@code in}; or without, to close. */
    private void negotiate(Handshake handshake, ByteBuffer in, ByteBuffer out) throws IOException {
        handshake.greet(out);
        in.flip();
        while (true) {
            Handshake.Step step = handshake.advance(in, out);
            if (step == Handshake.Step.TRANSMISSION) {
                place = join();
            }
            sender.send(out.flip(), null);
            out.clear();
            switch (step) {
                case TRANSMISSION -> {
                    return;
                }
                case CLOSE -> {
                    Logger.debug("{} from {} was closed: {}", name, peer, handshake.closeReason());
                    return;
                }
                case MORE_ROOM -> {}
                case START_TLS -> {
                    secure();
                    handshake.secured();
                }
                case MORE_INPUT -> {
                    in.compact();
                    if (input.read(in) < 0) {
                        return;
                    }
                    in.flip();
                }
            }
        }
    }

    private void secure() throws IOException {
        Access.Tls tls = Objects.requireNonNull(server.options().access().tls(), "there is no TLS");
        SecureChannel over = tls.context().secure(channel);
        try {
            over.handshake();
        } catch (SSLException e) {
            throw new ProtocolException("the TLS handshake failed: " + e.getMessage());
        }
        List<String> names = over.clientNames();
        exports.identify(names);
        peer += names.isEmpty() ? " (TLS)" : " (" + names.getFirst() + ")";
        Logger.debug("{} from {} is secure: {}", name, peer, over.description());
        sender.secure(over);
        input = over;
        secure = over;
    }

    /** After the last reply; some clients take an end without it for an attack. */
    private void sayGoodbye() {
        if (secure != null) {
            secure.sayGoodbye();
        }
    }

    private void end(@Nullable ByteBuffer in, @Nullable ByteBuffer out) {
        phase = Phase.ENDING;
        Succession.Place own = place;
        if (own != null) {
            own.leave();
        }
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
                "volume '{}': detached from {} from {} after {} s: {} requests ({} refused, {} failed), {} read, {} written",
                exports.volume().info().name(),
                name,
                peer,
                Duration.ofNanos(server.ticker().nanoTime() - startNanos).toSeconds(),
                stats.requests(),
                stats.refused(),
                errors.failed(),
                Sizes.format(stats.readBytes()),
                Sizes.format(stats.writtenBytes()));
    }

    /** Whether this has no volume and is not about to get one. Any thread. */
    boolean isIdleInHandshake() {
        return phase == Phase.HANDSHAKE && !exports.isAttaching() && !exports.isAttached();
    }

    /** Makes room for a newer one; this may take a while to end, and is not counted any more. */
    void displace() {
        displaced = true;
        cut("it had chosen no export, and a newer client needed the place");
    }

    boolean isDisplaced() {
        return displaced;
    }

    long startNanos() {
        return startNanos;
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
                stopped = true;
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

    private boolean isAwaited() {
        Succession.Place own = place;
        return own != null && own.isAwaited();
    }

    /**
     * Cuts a client that takes too long to choose an export, that takes its replies or sends the rest of a request too
     * slowly, or whose volume was lost.
     *
     * @param needed whether others would have use for what a client sits on that does not move
     */
    void watch(long nowNanos, boolean needed) {
        ServerOptions options = server.options();
        if (phase == Phase.HANDSHAKE) {
            if (isIdleInHandshake()
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
        Duration deadline = options.stallDeadline();
        boolean takes = !taking.hasStalled(sender.takenBytes(), nowNanos, deadline);
        Gulps requests = gulps;
        boolean gives = requests == null || !giving.hasStalled(requests.givenBytes(), nowNanos, deadline);
        if (!takes && (needed || phase == Phase.ENDING || isAwaited())) {
            cut("it took next to nothing of its replies for " + deadline.toSeconds() + " s");
        } else if (!gives && needed) {
            cut("it sent next to nothing of the rest of a request for " + deadline.toSeconds() + " s");
        }
    }
}
