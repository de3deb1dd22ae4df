package io.fdbnbd.server;

import io.fdbnbd.util.Threads;
import java.io.IOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.StandardSocketOptions;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import jdk.net.ExtendedSocketOptions;
import org.jspecify.annotations.Nullable;
import org.tinylog.Logger;

/**
 * One address that clients connect to. {@link #start} starts its only thread, which accepts, and {@link #close} ends
 * it.
 */
final class Listener implements AutoCloseable {
    private static final int BACKLOG_MAX = 128;
    private static final int UNPRIVILEGED_PORT_MIN = 1024;

    /** When a silent client is asked first whether it is there, how often, and after how many times it is taken for gone. */
    private static final int KEEP_IDLE_SECONDS = 60;

    private static final int KEEP_INTERVAL_SECONDS = 10;
    private static final int KEEP_COUNT = 6;

    private static final Duration JOIN_DEADLINE = Duration.ofSeconds(5);

    /** When accepting fails it is most often for want of file descriptors, which takes time to change. */
    private static final long RETRY_NANOS = Duration.ofMillis(100).toNanos();

    private final NbdServer server;
    private final ServerSocketChannel channel;
    private final ListenAddress address;

    /** Null for TCP, and for a socket that was handed over. */
    private final @Nullable SocketPlace place;

    private final CountDownLatch closing = new CountDownLatch(1);
    private @Nullable Thread thread;

    private Listener(
            NbdServer server, ServerSocketChannel channel, ListenAddress address, @Nullable SocketPlace place) {
        this.server = server;
        this.channel = channel;
        this.address = address;
        this.place = place;
    }

    /**
     * Takes a socket that listens already. Its file, if it has one, stays when this is closed: it is whose who made it.
     *
     * @throws IOException if it cannot be said where it listens
     */
    static Listener adopt(NbdServer server, ServerSocketChannel channel) throws IOException {
        ListenAddress address = switch (channel.getLocalAddress()) {
            case InetSocketAddress tcp -> new ListenAddress.Tcp(tcp.getAddress().getHostAddress(), tcp.getPort());
            case UnixDomainSocketAddress unix
            when !unix.getPath().toString().isEmpty() -> new ListenAddress.Unix(unix.getPath());
            case null, default ->
                throw new IOException("the socket that was handed over has no address that clients could be told:"
                        + " let it listen at a port or at a path");
        };
        return new Listener(server, channel, address, null);
    }

    /** @throws IOException if nobody can listen there; the message says why, for the user */
    static Listener bind(NbdServer server, ListenAddress wanted) throws IOException {
        ServerSocketChannel channel = ServerSocketChannel.open(wanted.family());
        try {
            return switch (wanted) {
                case ListenAddress.Tcp tcp -> new Listener(server, channel, bind(channel, tcp), null);
                case ListenAddress.Unix unix ->
                    new Listener(server, channel, unix, SocketPlace.take(channel, unix, BACKLOG_MAX));
            };
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw new IOException("cannot listen at " + wanted + ": " + e.getMessage(), e);
        }
    }

    private static ListenAddress bind(ServerSocketChannel channel, ListenAddress.Tcp wanted) throws IOException {
        // Else a restart would have to wait for the old connections' time to run out.
        channel.setOption(StandardSocketOptions.SO_REUSEADDR, true);
        try {
            channel.bind(wanted.resolve(), BACKLOG_MAX);
        } catch (BindException e) {
            throw new IOException(e.getMessage() + ": " + advice(wanted), e);
        }
        return new ListenAddress.Tcp(wanted.host(), ((InetSocketAddress) channel.getLocalAddress()).getPort());
    }

    private static String advice(ListenAddress.Tcp wanted) throws IOException {
        InetAddress address = wanted.resolve().getAddress();
        if (!address.isAnyLocalAddress() && NetworkInterface.getByInetAddress(address) == null) {
            return "use an address of this machine, which `ip address` shows";
        }
        return "use another port, or stop what listens there, which `ss -ltnp` shows"
                + (wanted.port() < UNPRIVILEGED_PORT_MIN ? "; one below 1024 needs CAP_NET_BIND_SERVICE" : "");
    }

    /** Where this listens really: with the port that was found, if any would do. */
    ListenAddress address() {
        return address;
    }

    void start() {
        thread = Threads.startPlatform("nbd-listen-" + address, this::accept);
    }

    private void accept() {
        while (channel.isOpen()) {
            SocketChannel client;
            try {
                client = channel.accept();
            } catch (ClosedChannelException e) {
                return;
            } catch (IOException e) {
                server.acceptFailed(address, e);
                if (!pause()) {
                    return;
                }
                continue;
            }
            try {
                if (address instanceof ListenAddress.Tcp) {
                    prepare(client);
                }
                server.accepted(client, address);
            } catch (IOException e) {
                Logger.debug("a client of {} was gone at once: {}", address, e.getMessage());
                closeQuietly(client);
            }
        }
    }

    /** A client whose machine is gone says nothing: without being asked it would keep its place for ever. */
    static void prepare(SocketChannel client) throws IOException {
        client.setOption(StandardSocketOptions.TCP_NODELAY, true);
        client.setOption(StandardSocketOptions.SO_KEEPALIVE, true);
        if (client.supportedOptions().contains(ExtendedSocketOptions.TCP_KEEPIDLE)) {
            client.setOption(ExtendedSocketOptions.TCP_KEEPIDLE, KEEP_IDLE_SECONDS);
            client.setOption(ExtendedSocketOptions.TCP_KEEPINTERVAL, KEEP_INTERVAL_SECONDS);
            client.setOption(ExtendedSocketOptions.TCP_KEEPCOUNT, KEEP_COUNT);
        }
    }

    /** Returns false if the listener was closed in the meantime. */
    private boolean pause() {
        try {
            return !closing.await(RETRY_NANOS, TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            return false;
        }
    }

    private static void closeQuietly(SocketChannel client) {
        try {
            client.close();
        } catch (IOException e) {
            Logger.debug("closing failed: {}", e.getMessage());
        }
    }

    /** Ends the accepting, and removes the socket's file. */
    @Override
    public void close() throws IOException {
        closing.countDown();
        try {
            if (place != null) {
                place.leave();
            }
        } finally {
            channel.close();
            if (thread != null) {
                Threads.joinOrWarn(thread, JOIN_DEADLINE);
            }
        }
    }
}
