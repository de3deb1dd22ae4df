package io.fdbnbd.server;

import io.fdbnbd.nbd.Handshake;
import io.fdbnbd.util.Checks;
import io.fdbnbd.util.RateLimit;
import io.fdbnbd.util.Threads;
import io.fdbnbd.util.Ticker;
import io.fdbnbd.volume.VolumeSpec;
import io.fdbnbd.volume.Volumes;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.tinylog.Logger;

/**
 * Serves volumes over NBD: owns the listeners, the connections and what they share.
 *
 * <p>Threads: one for each listener, which accepts; one for each connection, which ends by itself or by {@link #stop};
 * and the watchdog, which looks after deadlines every {@link #WATCH_INTERVAL}. {@link #start} and {@link #stop} are for
 * one thread, the rest for any.
 */
public final class NbdServer implements AutoCloseable {

    private static final Duration WATCH_INTERVAL = Duration.ofSeconds(1);
    private static final Duration STOP_DEADLINE_DEFAULT = Duration.ofSeconds(10);

    /** What a connection that was cut gets before it is left behind; closing its volume has a deadline of its own. */
    private static final Duration DETACH_DEADLINE = Duration.ofSeconds(30);

    private static final Duration JOIN_DEADLINE = Duration.ofSeconds(5);

    private final Volumes volumes;
    private final ServerOptions options;
    private final Ticker ticker;
    private final RateLimit failureLines;
    private final BufferPool sharedBuffers;
    private final BufferPool shares;
    private final Succession succession = new Succession();
    private final Semaphore lookTurn = new Semaphore(1);
    private final RateLimit acceptLog;
    private final RateLimit nonsenseLog;
    private final AtomicLong connectionNumbers = new AtomicLong();
    private final Map<Connection, Thread> connections = new ConcurrentHashMap<>();
    private final List<Listener> listeners = new ArrayList<>();
    private final CountDownLatch stopping = new CountDownLatch(1);
    private @Nullable Thread watchdog;

    /** The watchdog's. */
    private long refusalsSeen;

    static {
        Checks.check(BufferPool.SHARE_BYTES >= Handshake.INPUT_BYTES_MIN, "a handshake must fit a connection's buffer");
        Checks.check(BufferPool.SHARE_BYTES >= Handshake.OUTPUT_BYTES_MIN, "replies must fit a connection's buffer");
        Checks.check(BufferPool.SHARE_BYTES >= VolumeSpec.BLOCK_BYTES_MAX, "a block must fit a connection's buffer");
        Checks.check(
                ReplySender.BYTES_MAX >= BufferPool.READ_CHUNK_BYTES + BufferPool.HEADER_ROOM_BYTES,
                "a connection must be allowed its largest reply");
    }

    /** @param volumes stays the caller's, who closes it after this server */
    public NbdServer(Volumes volumes, ServerOptions options, Ticker ticker) {
        this.volumes = volumes;
        this.options = options;
        this.ticker = ticker;
        this.failureLines = new RateLimit(ticker);
        this.sharedBuffers = BufferPool.shared(options.bufferBytesMax());
        // Two for each connection, and two for each that has left the count and is about to give them back.
        this.shares = BufferPool.shares(4 * options.connectionsMax());
        this.acceptLog = new RateLimit(ticker);
        this.nonsenseLog = new RateLimit(ticker);
    }

    /**
     * Listens at all addresses, and serves on return.
     *
     * @param handedOver sockets that listen already; they become this server's to close
     * @throws IOException if it cannot listen at one of them; it listens at none then
     */
    public void start(ServerSocketChannel... handedOver) throws IOException {
        Checks.check(listeners.isEmpty(), "a server is started once");
        try {
            for (ServerSocketChannel channel : handedOver) {
                listeners.add(Listener.adopt(this, channel));
            }
            for (ListenAddress address : options.addresses()) {
                listeners.add(Listener.bind(this, address));
            }
        } catch (IOException | RuntimeException e) {
            closeListeners(e);
            throw e;
        }
        Checks.check(!listeners.isEmpty(), "a server needs an address to listen at");
        watchdog = Threads.startVirtual("nbd-watchdog", this::watch);
        for (Listener listener : listeners) {
            listener.start();
            Logger.info("listening at {}", listener.address());
        }
    }

    /** Where it listens really: with the ports that were found, where any would do. */
    public List<ListenAddress> addresses() {
        return listeners.stream().map(Listener::address).toList();
    }

    public int connectionCount() {
        // One by one: the map's own count follows a removal late.
        int count = 0;
        for (Connection ignored : connections.keySet()) {
            count++;
        }
        return count;
    }

    @Override
    public void close() throws IOException {
        stop(STOP_DEADLINE_DEFAULT);
    }

    /**
     * Accepts nobody any more and reads no request any more; finishes and answers those under way, and closes each
     * connection after its last reply. What is not done by the deadline is cut. A second call does nothing.
     *
     * @throws IOException if something could not be closed; the rest is then
     */
    public void stop(Duration deadline) throws IOException {
        if (stopping.getCount() == 0) {
            return;
        }
        stopping.countDown();
        IOException failure = closeListeners(null);
        List<Connection> open = List.copyOf(connections.keySet());
        open.forEach(Connection::stopReading);
        long end = ticker.nanoTime() + deadline.toNanos();
        for (Map.Entry<Connection, Thread> entry : connections.entrySet()) {
            if (!joined(entry.getValue(), end - ticker.nanoTime())) {
                entry.getKey().cut("the server is stopping and has waited for it long enough");
                entry.getKey().interrupt(entry.getValue());
            }
        }
        connections.forEach((connection, thread) -> Threads.joinOrWarn(thread, DETACH_DEADLINE));
        if (watchdog != null) {
            Threads.joinOrWarn(watchdog, JOIN_DEADLINE);
        }
        if (failure != null) {
            throw failure;
        }
    }

    private static boolean joined(Thread thread, long nanosMax) {
        try {
            return thread.join(Duration.ofNanos(Math.max(1, nanosMax)));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    private @Nullable IOException closeListeners(@Nullable Exception cause) {
        IOException first = null;
        for (Listener listener : listeners) {
            try {
                listener.close();
            } catch (IOException e) {
                if (cause != null) {
                    cause.addSuppressed(e);
                } else if (first == null) {
                    first = e;
                } else {
                    first.addSuppressed(e);
                }
            }
        }
        return first;
    }

    /** A listener's new client. */
    void accepted(SocketChannel channel, ListenAddress address) throws IOException {
        InetAddress source =
                channel.getRemoteAddress() instanceof InetSocketAddress remote ? remote.getAddress() : null;
        String obstacle = obstacle(source);
        if (obstacle != null) {
            long suppressed = acceptLog.tryLine();
            if (suppressed >= 0) {
                Logger.warn(
                        "a client of {} from {} was turned away: {}{}",
                        address,
                        source == null ? "this machine" : source.getHostAddress(),
                        obstacle,
                        RateLimit.leftOut(suppressed));
            }
            channel.close();
            return;
        }
        String name = "nbd-" + connectionNumbers.incrementAndGet();
        String peer =
                channel.getRemoteAddress() instanceof InetSocketAddress remote ? remote.toString() : address.toString();
        Connection connection = new Connection(this, channel, name, peer, source);
        Thread thread = Thread.ofVirtual().name(name).unstarted(connection);
        connections.put(connection, thread);
        if (stopping.getCount() == 0) {
            connection.cut("the server is stopping");
        }
        thread.start();
    }

    /**
     * Why a client is turned away; null if it is not. Listeners that accept at the same moment may pass a limit by as
     * many: they guard memory, not a count.
     *
     * @param source null for a unix socket
     */
    private @Nullable String obstacle(@Nullable InetAddress source) {
        String own = source == null ? null : obstacleOf(source);
        if (own != null) {
            return own;
        }
        return connections.size() < options.connectionsMax() || makeRoom()
                ? null
                : "there are " + options.connectionsMax() + " connections already, which is the limit";
    }

    /**
     * Who chooses no export must not keep out who would: of those, the oldest has to go. Returns whether there is room
     * now: those who go hold their buffers until they have gone, of which there are enough for as many again.
     */
    private boolean makeRoom() {
        int places = 0;
        Connection oldest = null;
        for (Connection connection : connections.keySet()) {
            if (connection.isDisplaced()) {
                continue;
            }
            places++;
            if (connection.isIdleInHandshake()
                    && (oldest == null || connection.startNanos() - oldest.startNanos() < 0)) {
                oldest = connection;
            }
        }
        if (connections.size() >= 2 * options.connectionsMax()) {
            return false;
        }
        if (places < options.connectionsMax()) {
            return true;
        }
        if (oldest != null) {
            oldest.displace();
        }
        return oldest != null;
    }

    private @Nullable String obstacleOf(InetAddress source) {
        Access.Sources sources = options.access().sources();
        if (!sources.allows(source)) {
            return "its address is in none of the ranges of --allow";
        }
        long ofSource = sources.connectionsMax() == Integer.MAX_VALUE
                ? 0
                : connections.keySet().stream()
                        .filter(connection -> !connection.isDisplaced() && source.equals(connection.source()))
                        .count();
        return ofSource < sources.connectionsMax()
                ? null
                : "its address has " + ofSource
                        + " connections already, the most that --connections-per-address lets it";
    }

    /** For clients that break the protocol: whoever reaches the address can, as often as it likes. */
    RateLimit nonsenseLog() {
        return nonsenseLog;
    }

    void acceptFailed(ListenAddress address, IOException failure) {
        long suppressed = acceptLog.tryLine();
        if (suppressed >= 0) {
            Logger.warn(
                    "accepting at {} failed and is tried again: {}{}",
                    address,
                    failure.getMessage(),
                    RateLimit.leftOut(suppressed));
        }
    }

    /** The last thing a connection's thread does. */
    void ended(Connection connection) {
        connections.remove(connection);
    }

    private void watch() {
        try {
            while (!stopping.await(WATCH_INTERVAL.toNanos(), TimeUnit.NANOSECONDS)) {
                checkDeadlines();
            }
        } catch (InterruptedException e) {
            Logger.debug("the watchdog was interrupted");
        }
    }

    /** One round of the watchdog; tests that turn the clock by hand call it themselves. */
    void checkDeadlines() {
        long refusals = sharedBuffers.refusals();
        boolean needed = refusals != refusalsSeen;
        refusalsSeen = refusals;
        long now = ticker.nanoTime();
        for (Connection connection : connections.keySet()) {
            connection.watch(now, needed);
        }
    }

    /** Whether a connection has read its last request and not ended yet; for tests. */
    boolean isAnyEnding() {
        return connections.keySet().stream().anyMatch(Connection::isEnding);
    }

    Volumes volumes() {
        return volumes;
    }

    ServerOptions options() {
        return options;
    }

    Ticker ticker() {
        return ticker;
    }

    RateLimit failureLines() {
        return failureLines;
    }

    /** Of the one connection that may look for its next request with open eyes: see {@link BriefLook}. */
    Semaphore lookTurn() {
        return lookTurn;
    }

    Succession succession() {
        return succession;
    }

    BufferPool sharedBuffers() {
        return sharedBuffers;
    }

    BufferPool shares() {
        return shares;
    }
}
