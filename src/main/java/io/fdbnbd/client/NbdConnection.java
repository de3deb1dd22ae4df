package io.fdbnbd.client;

import io.fdbnbd.nbd.Nbd;
import io.fdbnbd.util.CutOff;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.SocketException;
import java.net.StandardProtocolFamily;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.SocketChannel;
import java.time.Duration;

/**
 * A connection that has chosen its export: what goes over the channel from here on are requests and simple replies. One
 * thread may read while another writes.
 */
public final class NbdConnection implements AutoCloseable {
    private final SocketChannel channel;
    private final RemoteExport export;

    private NbdConnection(SocketChannel channel, RemoteExport export) {
        this.channel = channel;
        this.export = export;
    }

    /**
     * Connects and chooses the export.
     *
     * @param deadline for all of it
     * @throws IOException if that fails, or the thread was interrupted; the message says why, for the user
     */
    public static NbdConnection open(NbdUri uri, Duration deadline) throws IOException {
        SocketAddress address = uri.resolve();
        boolean tcp = address instanceof InetSocketAddress;
        SocketChannel channel = tcp ? SocketChannel.open() : SocketChannel.open(StandardProtocolFamily.UNIX);
        try {
            if (tcp) {
                channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
            }
            RemoteExport export = CutOff.within(deadline, channel, () -> negotiate(channel, address, uri));
            return new NbdConnection(channel, export);
        } catch (ClosedByInterruptException e) {
            throw new IOException(uri + ": stopped before it was connected", e);
        } catch (ClosedChannelException e) {
            channel.close();
            String late = uri + ": the server did not finish the handshake within " + deadline.toSeconds() + " s";
            throw new IOException(late, e);
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
    }

    private static RemoteExport negotiate(SocketChannel channel, SocketAddress address, NbdUri uri) throws IOException {
        try {
            channel.connect(address);
        } catch (SocketException e) {
            throw new IOException(uri + ": no server can be reached there (" + e.getMessage() + ")", e);
        }
        try {
            return new ClientHandshake(channel, uri).run();
        } catch (SocketException e) {
            throw new IOException(uri + ": the connection broke in the handshake (" + e.getMessage() + ")", e);
        }
    }

    public RemoteExport export() {
        return export;
    }

    public SocketChannel channel() {
        return channel;
    }

    /** Tells the server that nothing follows. */
    public void disconnect() throws IOException {
        ByteBuffer request = ByteBuffer.allocate(Nbd.REQUEST_BYTES);
        putRequest(request, 0, Nbd.CMD_DISC, 0, 0, 0);
        request.flip();
        while (request.hasRemaining()) {
            channel.write(request);
        }
    }

    /** The header of a request. */
    public static void putRequest(ByteBuffer to, int flags, int command, long cookie, long offset, int length) {
        to.putInt(Nbd.REQUEST_MAGIC);
        to.putShort((short) flags).putShort((short) command);
        to.putLong(cookie).putLong(offset).putInt(length);
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
