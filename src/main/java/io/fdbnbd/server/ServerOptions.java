package io.fdbnbd.server;

import static io.fdbnbd.util.Checks.checkArgument;
import static io.fdbnbd.util.Checks.checkRange;

import java.time.Duration;
import java.util.List;

/**
 * How the server serves.
 *
 * @param addresses where it listens, besides sockets that it is handed over
 * @param access who may come in, and what he may do then
 * @param multiConn whether a volume may have several connections; if not, a new one replaces the older one
 * @param connectionsMax connections at a time; one more is closed at once
 * @param handshakeDeadline how long a client may take to choose an export
 * @param stallDeadline how long a client may take nothing of a reply before its connection may be closed, where others
 *     need what it holds
 * @param bufferBytesMax memory for requests and replies that are too large for what every connection has of its own
 */
public record ServerOptions(
        List<ListenAddress> addresses,
        Access access,
        boolean multiConn,
        int connectionsMax,
        Duration handshakeDeadline,
        Duration stallDeadline,
        long bufferBytesMax) {

    public static final int CONNECTIONS_DEFAULT = 256;
    public static final int CONNECTIONS_MAX = 16 << 10;
    public static final Duration HANDSHAKE_DEADLINE_DEFAULT = Duration.ofSeconds(10);
    public static final Duration STALL_DEADLINE_DEFAULT = Duration.ofSeconds(30);

    /** The JVM allows as many bytes of direct buffers as of heap; the server's pool takes this part of them. */
    private static final int BUFFER_PART = 4;

    private static final long BUFFER_BYTES_DEFAULT_MAX = 512L << 20;

    public ServerOptions {
        checkRange(connectionsMax, 1, CONNECTIONS_MAX, "the limit of connections");
        checkArgument(handshakeDeadline.isPositive(), "the deadline of a handshake must be positive");
        checkArgument(stallDeadline.isPositive(), "the deadline of a stalled client must be positive");
        checkArgument(bufferBytesMax >= 0, "the memory for buffers must not be negative");
        addresses = List.copyOf(addresses);
    }

    /** Sized by the heap of this process. */
    public static ServerOptions of(List<ListenAddress> addresses) {
        long buffers = Math.min(Runtime.getRuntime().maxMemory() / BUFFER_PART, BUFFER_BYTES_DEFAULT_MAX);
        return new ServerOptions(
                addresses,
                Access.OPEN,
                true,
                CONNECTIONS_DEFAULT,
                HANDSHAKE_DEADLINE_DEFAULT,
                STALL_DEADLINE_DEFAULT,
                buffers);
    }

    public ServerOptions withAccess(Access value) {
        return new ServerOptions(
                addresses, value, multiConn, connectionsMax, handshakeDeadline, stallDeadline, bufferBytesMax);
    }

    public ServerOptions withMultiConn(boolean value) {
        return new ServerOptions(
                addresses, access, value, connectionsMax, handshakeDeadline, stallDeadline, bufferBytesMax);
    }

    public ServerOptions withConnectionsMax(int value) {
        return new ServerOptions(addresses, access, multiConn, value, handshakeDeadline, stallDeadline, bufferBytesMax);
    }

    public ServerOptions withBufferBytesMax(long value) {
        return new ServerOptions(addresses, access, multiConn, connectionsMax, handshakeDeadline, stallDeadline, value);
    }
}
