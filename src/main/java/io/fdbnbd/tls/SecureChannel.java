package io.fdbnbd.tls;

import io.fdbnbd.util.Threads;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ByteChannel;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.GatheringByteChannel;
import java.nio.channels.SocketChannel;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.function.Function;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLPeerUnverifiedException;
import org.tinylog.Logger;
import tlschannel.NeedsTaskException;
import tlschannel.ServerTlsChannel;
import tlschannel.TlsChannel;
import tlschannel.TlsChannelFlowControlException;

/**
 * TLS over a socket: reads and writes like the socket does, one thread at a time each way.
 *
 * <p>Threads: one reader, which begins with {@link #handshake} and ends with {@link #sayGoodbye}; at most one writer at
 * a time, after the handshake. Whoever wants to wake them closes the socket underneath; {@link #close} does just that.
 */
public final class SecureChannel implements ByteChannel, GatheringByteChannel {

    /** A caller that watches progress gets to see some after as many bytes: the library writes all it is given. */
    private static final int WRITE_BYTES_MAX = 256 << 10;

    private final SocketChannel socket;
    private final TlsChannel channel;
    private final Semaphore tasks;

    /** @param tasks who has a permit may compute for a handshake */
    SecureChannel(SocketChannel socket, SSLContext context, Function<SSLContext, SSLEngine> engines, Semaphore tasks) {
        this.socket = socket;
        this.tasks = tasks;
        // It keeps its buffers, 17 KiB each way: to allocate them for every record would cost more than they do.
        this.channel = ServerTlsChannel.newBuilder(socket, context)
                .withEngineFactory(engines)
                .withReleaseBuffers(false)
                .withRunTasks(false)
                .build();
    }

    /**
     * Waits for the client to agree on keys and to prove who it is.
     *
     * @throws SSLException if it does not; the message says why, for the log
     * @throws IOException if the connection failed
     */
    public void handshake() throws IOException {
        try {
            whileThereAreTasks(() -> {
                channel.handshake();
                return 0;
            });
        } catch (ClosedChannelException e) {
            if (!socket.isOpen()) {
                throw e; // somebody here has closed it
            }
            throw new SSLException("the client went away in the middle of it", e);
        } catch (SSLException e) {
            sendAlert();
            throw e;
        } catch (IllegalStateException | AssertionError e) {
            throw broken(e);
        }
    }

    private interface Call {
        int make() throws IOException;
    }

    private int whileThereAreTasks(Call call) throws IOException {
        while (true) {
            try {
                return call.make();
            } catch (NeedsTaskException e) {
                perform(e.getTask());
            }
        }
    }

    /**
     * Keys and signatures take a millisecond of a processor each, and a client nothing to ask for: who asks in crowds must
     * not have all processors. And on a thread that has time slices: a carrier would do nothing else meanwhile.
     */
    private void perform(Runnable task) throws IOException {
        try {
            tasks.acquire();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ClosedByInterruptException();
        }
        try {
            if (!socket.isOpen()) {
                throw new ClosedChannelException(); // cut while it waited
            }
            Threads.joinUninterruptibly(Threads.startPlatform("tls-task", task));
        } finally {
            tasks.release();
        }
    }

    /** The engine has words for the client, such as why its certificate is refused, which the library leaves there. */
    private void sendAlert() {
        SSLEngine engine = channel.getSslEngine();
        ByteBuffer alert = ByteBuffer.allocate(engine.getSession().getPacketBufferSize());
        try {
            socket.configureBlocking(false); // a client that does not take it is not waited for
            engine.wrap(ByteBuffer.allocate(0), alert);
            socket.write(alert.flip());
        } catch (IOException e) {
            Logger.trace(e, "a handshake ended without an alert");
        }
    }

    /** Names that the client's certificate proves, as {@link CertificateNames} has them; none if it showed none. */
    public List<String> clientNames() {
        try {
            return CertificateNames.of(
                    (X509Certificate) channel.getSslEngine().getSession().getPeerCertificates()[0]);
        } catch (SSLPeerUnverifiedException e) {
            return List.of();
        }
    }

    /** Like {@code TLSv1.3 TLS_AES_256_GCM_SHA384}, for the log. */
    public String description() {
        var session = channel.getSslEngine().getSession();
        return session.getProtocol() + " " + session.getCipherSuite();
    }

    @Override
    public int read(ByteBuffer into) throws IOException {
        try {
            return whileThereAreTasks(() -> channel.read(into));
        } catch (IllegalStateException | AssertionError e) {
            throw broken(e);
        }
    }

    /** As {@link #read}, over a socket that does not wait: returns 0 if there is nothing. No other thread may write. */
    public int readWithoutWaiting(ByteBuffer into) throws IOException {
        try {
            return read(into);
        } catch (TlsChannelFlowControlException e) {
            return 0;
        }
    }

    @Override
    public int write(ByteBuffer from) throws IOException {
        int limit = from.limit();
        from.limit(Math.min(limit, from.position() + WRITE_BYTES_MAX));
        try {
            return channel.write(from);
        } finally {
            from.limit(limit);
        }
    }

    @Override
    public long write(ByteBuffer[] from, int offset, int length) throws IOException {
        int count = 0;
        long bytes = 0;
        while (count < length && bytes + from[offset + count].remaining() <= WRITE_BYTES_MAX) {
            bytes += from[offset + count].remaining();
            count++;
        }
        return count == 0 ? write(from[offset]) : channel.write(from, offset, count);
    }

    @Override
    public long write(ByteBuffer[] from) throws IOException {
        return write(from, 0, from.length);
    }

    /**
     * Tells the client that nothing follows. Does not wait: a client whose socket is full is not told. After the last
     * write, with no other thread reading or writing any more.
     */
    public void sayGoodbye() {
        try {
            socket.configureBlocking(false);
            channel.shutdown();
        } catch (IOException | IllegalStateException | AssertionError e) {
            Logger.trace(e, "a connection ended without a goodbye");
        }
    }

    @Override
    public boolean isOpen() {
        return socket.isOpen();
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }

    /** What the library asserts depends on what clients send: a record that is too long for it, for one. */
    private static SSLException broken(Throwable failure) {
        return new SSLException("what it sent is not TLS: " + failure.getMessage(), failure);
    }
}
