package io.fdbnbd.cli;

import io.fdbnbd.util.CutOff;
import io.fdbnbd.util.UnixSockets;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import org.tinylog.Logger;

/** Has a {@code volume} command performed by the server that holds a store's directory. */
final class ControlClient {
    private static final Duration ANSWER_DEADLINE_DEFAULT = Duration.ofSeconds(30);

    private final Path path;
    private final Duration answerDeadline;

    ControlClient(Path directory) {
        this(directory, ANSWER_DEADLINE_DEFAULT);
    }

    ControlClient(Path directory, Duration answerDeadline) {
        this.path = directory.resolve(ControlServer.SOCKET_NAME);
        this.answerDeadline = answerDeadline;
    }

    /**
     * Asks, and waits for the answer.
     *
     * @return empty if nobody listens there
     * @throws IOException if somebody does and does not answer; the command may have been performed or not
     */
    Optional<ControlMessages.Answer> ask(byte[][] arguments) throws IOException {
        if (!UnixSockets.fits(path)) {
            return Optional.empty();
        }
        try (SocketChannel server = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            return CutOff.within(answerDeadline, server, () -> ask(server, arguments));
        } catch (ControlMessages.ForeignException e) {
            throw e;
        } catch (IOException e) {
            throw new IOException(
                    "a server listens at " + path + ", but gave no answer within " + answerDeadline.toSeconds() + " s",
                    e);
        }
    }

    private Optional<ControlMessages.Answer> ask(SocketChannel server, byte[][] arguments) throws IOException {
        try {
            server.connect(UnixDomainSocketAddress.of(path));
        } catch (AsynchronousCloseException e) {
            throw e;
        } catch (IOException e) {
            Logger.debug("nobody listens at {}: {}", path, e.getMessage());
            return Optional.empty();
        }
        ControlMessages.writeRequest(
                new DataOutputStream(new BufferedOutputStream(Channels.newOutputStream(server))), arguments);
        return Optional.of(ControlMessages.readAnswer(
                new DataInputStream(new BufferedInputStream(Channels.newInputStream(server)))));
    }
}
