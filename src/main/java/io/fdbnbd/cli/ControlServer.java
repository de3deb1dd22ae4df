package io.fdbnbd.cli;

import io.fdbnbd.util.CutOff;
import io.fdbnbd.util.Threads;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.tinylog.Logger;

/**
 * Performs {@code volume} commands for other processes of the same user, who connect to a unix socket in the store's
 * directory; who may read the directory is who may connect.
 *
 * <p>Threads: {@link #WORKERS} of them accept and serve, one connection each at a time. Who does not send or take in
 * time is cut off.
 */
final class ControlServer implements AutoCloseable {
    static final String SOCKET_NAME = "control.sock";

    private static final int WORKERS = 4;
    private static final int BACKLOG_MAX = 16;

    /** How long a client may take to send its request, and to take the answer. */
    static final Duration PART_DEADLINE_DEFAULT = Duration.ofSeconds(5);

    /** When accepting fails it is most often for want of file descriptors, which takes time to change. */
    private static final Duration RETRY_PAUSE = Duration.ofMillis(100);

    /** What a command that runs at the stop gets to finish. */
    private static final Duration JOIN_DEADLINE = Duration.ofSeconds(10);

    private final Path path;
    private final ServerSocketChannel channel;
    private final Function<List<String>, ControlMessages.Answer> command;
    private final Duration partDeadline;
    private final CountDownLatch closing = new CountDownLatch(1);
    private final List<Thread> workers = new ArrayList<>();

    /** Those whose request is not complete: nothing is lost if they are closed. */
    private final Set<SocketChannel> asking = ConcurrentHashMap.newKeySet();

    private ControlServer(
            Path path,
            ServerSocketChannel channel,
            Function<List<String>, ControlMessages.Answer> command,
            Duration partDeadline) {
        this.path = path;
        this.channel = channel;
        this.command = command;
        this.partDeadline = partDeadline;
    }

    /**
     * Listens in {@code directory}, which this process holds: a socket that lies there belongs to nobody.
     *
     * @param command runs on any of the workers, several at a time
     * @param partDeadline for sending a request, and for taking the answer
     */
    static ControlServer start(
            Path directory, Function<List<String>, ControlMessages.Answer> command, Duration partDeadline)
            throws IOException {
        Path path = directory.resolve(SOCKET_NAME);
        removeStale(path);
        ServerSocketChannel channel = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        try {
            channel.bind(UnixDomainSocketAddress.of(path), BACKLOG_MAX);
            Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rw-------"));
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
        ControlServer server = new ControlServer(path, channel, command, partDeadline);
        for (int i = 0; i < WORKERS; i++) {
            server.workers.add(Threads.startPlatform("control-" + i, server::work));
        }
        return server;
    }

    private static void removeStale(Path path) throws IOException {
        if (Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
            BasicFileAttributes attributes =
                    Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
            if (!attributes.isOther()) {
                throw new IOException(path + " is no socket: remove it");
            }
            Files.delete(path);
        }
    }

    private void work() {
        while (channel.isOpen()) {
            try {
                serveAndClose(channel.accept());
            } catch (ClosedChannelException e) {
                return;
            } catch (IOException e) {
                Logger.warn("accepting at {} failed and is tried again: {}", path, e.getMessage());
                pause();
            }
        }
    }

    private void pause() {
        try {
            closing.await(RETRY_PAUSE.toNanos(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void serveAndClose(SocketChannel client) {
        try (client) {
            serve(client);
        } catch (IOException e) {
            Logger.debug("a control connection failed: {}", e.toString());
        } catch (RuntimeException e) {
            Logger.error(e, "a control command failed");
        }
    }

    private void serve(SocketChannel client) throws IOException {
        ControlMessages.Answer answer;
        try {
            answer = command.apply(receive(client));
        } catch (ControlMessages.ForeignException e) {
            answer = new ControlMessages.Answer(
                    Main.EXIT_FAILED, "", "fdb-nbd: " + e.getMessage() + System.lineSeparator());
        }
        send(client, answer);
    }

    private void send(SocketChannel client, ControlMessages.Answer answer) throws IOException {
        CutOff.within(partDeadline, client, () -> {
            ControlMessages.writeAnswer(
                    new DataOutputStream(new BufferedOutputStream(Channels.newOutputStream(client))), answer);
            return answer;
        });
    }

    private List<String> receive(SocketChannel client) throws IOException {
        asking.add(client);
        try {
            // Either the stop sees this one, or this sees the stop.
            if (!channel.isOpen()) {
                throw new ClosedChannelException();
            }
            return CutOff.within(
                    partDeadline,
                    client,
                    () -> ControlMessages.readRequest(
                            new DataInputStream(new BufferedInputStream(Channels.newInputStream(client)))));
        } finally {
            asking.remove(client);
        }
    }

    /** Takes no more commands, and returns when those that run have been answered. */
    @Override
    public void close() throws IOException {
        closing.countDown();
        Files.deleteIfExists(path);
        channel.close();
        for (SocketChannel client : asking) {
            client.close();
        }
        for (Thread worker : workers) {
            Threads.joinOrWarn(worker, JOIN_DEADLINE);
        }
    }
}
