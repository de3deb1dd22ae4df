package io.fdbnbd.server;

import io.fdbnbd.util.Threads;
import java.io.IOException;
import java.net.BindException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.StandardSocketOptions;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Objects;
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

    /** What tells our socket's file from one that somebody else has put there since; null for TCP. */
    private final @Nullable Object fileKey;

    private final CountDownLatch closing = new CountDownLatch(1);
    private @Nullable Thread thread;

    private Listener(NbdServer server, ServerSocketChannel channel, ListenAddress address, @Nullable Object fileKey) {
        this.server = server;
        this.channel = channel;
        this.address = address;
        this.fileKey = fileKey;
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
            if (wanted instanceof ListenAddress.Tcp) {
                // Else a restart would have to wait for the old connections' time to run out.
                channel.setOption(StandardSocketOptions.SO_REUSEADDR, true);
            }
            bind(channel, wanted);
            Object key = wanted instanceof ListenAddress.Unix unix ? fileKey(unix.path()) : null;
            return new Listener(server, channel, bound(channel, wanted), key);
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw new IOException("cannot listen at " + wanted + ": " + e.getMessage(), e);
        }
    }

    private static void bind(ServerSocketChannel channel, ListenAddress wanted) throws IOException {
        if (wanted instanceof ListenAddress.Unix unix) {
            if (isDead(unix.path())) {
                Logger.info("removing {}, which a server has left behind", unix.path());
                Files.delete(unix.path());
            }
            if (!unix.file().isPlain()) {
                bindUnseen(channel, unix);
                return;
            }
        }
        SocketAddress socketAddress = wanted.resolve();
        channel.bind(socketAddress, BACKLOG_MAX);
    }

    /**
     * The system makes the file and listens at once, and with the mode of any new file. So that is done where nobody
     * else can go, and the file appears at its place when it has its owner and mode.
     */
    private static void bindUnseen(ServerSocketChannel channel, ListenAddress.Unix wanted) throws IOException {
        Path place = wanted.path().toAbsolutePath();
        Path own = Files.createTempDirectory(
                Objects.requireNonNull(place.getParent()),
                ".",
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        Path socket = own.resolve("s");
        try {
            channel.bind(UnixDomainSocketAddress.of(socket), BACKLOG_MAX);
            wanted.file().applyTo(socket);
            Files.createLink(place, socket); // fails if something is there
        } catch (FileAlreadyExistsException e) {
            throw new BindException("Address already in use");
        } finally {
            Files.deleteIfExists(socket);
            Files.delete(own);
        }
    }

    /** Whether a socket lies there that nobody listens to; files of other kinds are nobody's to remove. */
    private static boolean isDead(Path path) throws IOException {
        if (!Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
            return false;
        }
        BasicFileAttributes attributes =
                Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
        if (!attributes.isOther()) {
            return false;
        }
        try (SocketChannel probe = SocketChannel.open(UnixDomainSocketAddress.of(path))) {
            return !probe.isConnected();
        } catch (IOException e) {
            return true;
        }
    }

    private static ListenAddress bound(ServerSocketChannel channel, ListenAddress wanted) throws IOException {
        return switch (wanted) {
            case ListenAddress.Tcp tcp ->
                new ListenAddress.Tcp(tcp.host(), ((InetSocketAddress) channel.getLocalAddress()).getPort());
            case ListenAddress.Unix unix -> unix;
        };
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
            if (address instanceof ListenAddress.Unix unix && fileKey != null) {
                if (Objects.equals(fileKey, fileKey(unix.path()))) {
                    Files.deleteIfExists(unix.path());
                }
            }
        } finally {
            channel.close();
            if (thread != null) {
                Threads.joinOrWarn(thread, JOIN_DEADLINE);
            }
        }
    }

    private static @Nullable Object fileKey(Path path) throws IOException {
        if (!Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
            return null;
        }
        return Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS)
                .fileKey();
    }
}
