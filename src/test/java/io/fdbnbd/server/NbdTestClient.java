package io.fdbnbd.server;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.fdbnbd.nbd.Framing;
import io.fdbnbd.nbd.Nbd;
import io.fdbnbd.nbd.Request;
import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSession;
import javax.net.ssl.SSLSocket;
import org.jspecify.annotations.Nullable;

/** A client that sends whatever a test wants it to send, legal or not, and has no opinion on what it gets. */
public final class NbdTestClient implements AutoCloseable {

    /** A simple reply's header. */
    public record Reply(long cookie, int error) {}

    private final SocketChannel channel;
    private DataInputStream in;
    private WritableByteChannel out;
    private @Nullable SSLSocket tls;
    public long sizeBytes;
    public int flags;

    /** What the last refusal of an export said. */
    public String refusal = "";

    private NbdTestClient(SocketChannel channel) {
        this.channel = channel;
        this.out = channel;
        this.in = new DataInputStream(new BufferedInputStream(Channels.newInputStream(channel), 1 << 16));
    }

    /** Connects, and no more. */
    public static NbdTestClient connect(ListenAddress address) throws IOException {
        return new NbdTestClient(
                switch (address) {
                    case ListenAddress.Tcp tcp ->
                        SocketChannel.open(new InetSocketAddress(tcp.host(), tcp.port()))
                                .setOption(StandardSocketOptions.TCP_NODELAY, true);
                    case ListenAddress.Unix unix -> SocketChannel.open(UnixDomainSocketAddress.of(unix.path()));
                });
    }

    /** Connects and attaches a volume. */
    public static NbdTestClient attach(ListenAddress address, String volume) throws IOException {
        NbdTestClient client = connect(address);
        try {
            client.greet();
            assertEquals(Nbd.REP_ACK, client.go(volume));
            return client;
        } catch (IOException | RuntimeException | Error e) {
            client.close();
            throw e;
        }
    }

    /** Checks that a volume can not be attached, and returns why. */
    public static String refusalOf(ListenAddress address, String volume) throws IOException {
        try (NbdTestClient client = connect(address)) {
            client.greet();
            assertEquals(Nbd.REP_ERR_POLICY, client.go(volume), () -> "volume " + volume + " is not refused");
            return client.refusal;
        }
    }

    public void greet() throws IOException {
        assertEquals(Nbd.INIT_MAGIC, in.readLong());
        assertEquals(Nbd.OPTION_MAGIC, in.readLong());
        assertEquals(Nbd.FLAG_FIXED_NEWSTYLE | Nbd.FLAG_NO_ZEROES, in.readShort());
        send(ByteBuffer.allocate(4).putInt(Nbd.FLAG_FIXED_NEWSTYLE | Nbd.FLAG_NO_ZEROES));
    }

    /** Asks for TLS, which must be acknowledged, and talks through it from then on. */
    public SSLSession startTls(SSLContext context, String... protocols) throws IOException {
        sendOption(Nbd.OPT_STARTTLS, new byte[0]);
        assertEquals(Nbd.REP_ACK, optionReply(Nbd.OPT_STARTTLS));
        SSLSocket secure = (SSLSocket) context.getSocketFactory().createSocket(channel.socket(), "127.0.0.1", 0, true);
        if (protocols.length > 0) {
            secure.setEnabledProtocols(protocols);
        }
        secure.startHandshake();
        tls = secure;
        in = new DataInputStream(new BufferedInputStream(secure.getInputStream(), 1 << 16));
        out = Channels.newChannel(secure.getOutputStream());
        return secure.getSession();
    }

    /** Asks for new keys, in the way that TLS 1.3 has no more. */
    public void renegotiate() throws IOException {
        Objects.requireNonNull(tls).startHandshake();
    }

    /** What the server sends, for who reads it in another way. */
    DataInputStream in() {
        return in;
    }

    /** Sends an option that has one reply, and returns its type. */
    public int negotiate(int option, byte[] data) throws IOException {
        sendOption(option, data);
        return optionReply(option);
    }

    /** The type of a reply to {@code option}; its data is passed over. */
    public int optionReply(int option) throws IOException {
        assertEquals(Nbd.OPTION_REPLY_MAGIC, in.readLong());
        assertEquals(option, in.readInt());
        int type = in.readInt();
        in.readNBytes(in.readInt());
        return type;
    }

    /** LIST_META_CONTEXT or SET_META_CONTEXT: returns the contexts that were named, or throws if it was refused. */
    public List<String> metaContexts(int option, String volume, String... queries) throws IOException {
        ByteBuffer data = ByteBuffer.allocate(1 << 12);
        putString(data, volume);
        data.putInt(queries.length);
        for (String query : queries) {
            putString(data, query);
        }
        sendOption(option, Arrays.copyOf(data.array(), data.position()));
        List<String> named = new ArrayList<>();
        while (true) {
            assertEquals(Nbd.OPTION_REPLY_MAGIC, in.readLong());
            assertEquals(option, in.readInt());
            int type = in.readInt();
            ByteBuffer reply = ByteBuffer.wrap(in.readNBytes(in.readInt()));
            if (type != Nbd.REP_META_CONTEXT) {
                assertEquals(Nbd.REP_ACK, type);
                return named;
            }
            reply.getInt();
            named.add(StandardCharsets.UTF_8.decode(reply).toString());
        }
    }

    private static void putString(ByteBuffer data, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        data.putInt(bytes.length).put(bytes);
    }

    /** Returns the reply that ends it: ACK, or an error. */
    public int go(String volume) throws IOException {
        byte[] name = volume.getBytes(StandardCharsets.UTF_8);
        sendOption(
                Nbd.OPT_GO,
                ByteBuffer.allocate(4 + name.length + 2)
                        .putInt(name.length)
                        .put(name)
                        .putShort((short) 0)
                        .array());
        while (true) {
            assertEquals(Nbd.OPTION_REPLY_MAGIC, in.readLong());
            assertEquals(Nbd.OPT_GO, in.readInt());
            int type = in.readInt();
            ByteBuffer data = ByteBuffer.wrap(in.readNBytes(in.readInt()));
            if (type != Nbd.REP_INFO) {
                refusal = StandardCharsets.UTF_8.decode(data).toString();
                return type;
            }
            if (data.getShort() == Nbd.INFO_EXPORT) {
                sizeBytes = data.getLong();
                flags = Short.toUnsignedInt(data.getShort());
            }
        }
    }

    public void sendOption(int option, byte[] data) throws IOException {
        send(ByteBuffer.allocate(Nbd.OPTION_HEADER_BYTES + data.length)
                .putLong(Nbd.OPTION_MAGIC)
                .putInt(option)
                .putInt(data.length)
                .put(data));
    }

    public static ByteBuffer header(int flags, int type, long cookie, long offset, long length) {
        return ByteBuffer.allocate(Nbd.REQUEST_BYTES)
                .putInt(Nbd.REQUEST_MAGIC)
                .putShort((short) flags)
                .putShort((short) type)
                .putLong(cookie)
                .putLong(offset)
                .putInt((int) length);
    }

    /** A request as {@code framing} has it; a WRITE's says that a payload follows where there is a flag for that. */
    static ByteBuffer header(Framing framing, Request request) {
        if (framing != Framing.EXTENDED) {
            return header(request.flags(), request.type(), request.cookie(), request.offset(), request.length());
        }
        int flags = request.flags() | (request.type() == Nbd.CMD_WRITE ? Nbd.CMD_FLAG_PAYLOAD_LEN : 0);
        return ByteBuffer.allocate(Nbd.EXTENDED_REQUEST_BYTES)
                .putInt(Nbd.EXTENDED_REQUEST_MAGIC)
                .putShort((short) flags)
                .putShort((short) request.type())
                .putLong(request.cookie())
                .putLong(request.offset())
                .putLong(request.length());
    }

    public void request(int flags, int type, long cookie, long offset, long length) throws IOException {
        send(header(flags, type, cookie, offset, length));
    }

    public void write(int flags, long cookie, long offset, byte[] data) throws IOException {
        request(flags, Nbd.CMD_WRITE, cookie, offset, data.length);
        send(ByteBuffer.wrap(data).position(data.length));
    }

    /** Sends what was put into the buffer. */
    public void send(ByteBuffer bytes) throws IOException {
        sendThrough(out, bytes);
    }

    /** As {@link #send}; the server may have closed the connection, or be about to. */
    void sendIfOpen(byte[] bytes) {
        try {
            send(ByteBuffer.wrap(bytes).position(bytes.length));
        } catch (IOException e) {
            // it has
        }
    }

    /** Under the TLS, if there is any. */
    void sendInTheClear(ByteBuffer bytes) throws IOException {
        sendThrough(channel, bytes);
    }

    private static void sendThrough(WritableByteChannel way, ByteBuffer bytes) throws IOException {
        bytes.flip();
        while (bytes.hasRemaining()) {
            way.write(bytes);
        }
    }

    /** A way for a client to send. */
    interface Sending {
        /** Sends all of it, up to its position. */
        void send(ByteBuffer bytes) throws IOException;
    }

    public Reply reply() throws IOException {
        assertEquals(Nbd.SIMPLE_REPLY_MAGIC, in.readInt(), "the reply's magic number");
        int error = in.readInt();
        return new Reply(in.readLong(), error);
    }

    public byte[] data(int length) throws IOException {
        byte[] data = new byte[length];
        in.readFully(data);
        return data;
    }

    // One request at a time

    /** Returns the error. */
    public int command(int flags, int type, long offset, long length) throws IOException {
        long cookie = System.identityHashCode(new Object()) * 0x9e37_79b9_7f4a_7c15L;
        request(flags, type, cookie, offset, length);
        Reply reply = reply();
        assertEquals(cookie, reply.cookie());
        return reply.error();
    }

    /** Returns the error. */
    public int write(long offset, byte[] data) throws IOException {
        write(0, 77, offset, data);
        Reply reply = reply();
        assertEquals(77, reply.cookie());
        return reply.error();
    }

    public byte[] read(long offset, int length) throws IOException {
        assertEquals(0, command(0, Nbd.CMD_READ, offset, length), "the READ's error");
        return data(length);
    }

    /** Returns the error. */
    public int flush() throws IOException {
        return command(0, Nbd.CMD_FLUSH, 0, 0);
    }

    public void disconnect() throws IOException {
        request(0, Nbd.CMD_DISC, 0, 0, 0);
    }

    public void shutdownOutput() throws IOException {
        channel.shutdownOutput();
    }

    /** Whether the server has ended the connection, and sent nothing more before; waits for either. */
    public boolean ended() {
        try {
            return in.read() < 0;
        } catch (IOException e) {
            return true; // reset: it had not taken everything we sent
        }
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }

    public static byte[] bytes(int length, int value) {
        byte[] bytes = new byte[length];
        Arrays.fill(bytes, (byte) value);
        return bytes;
    }
}
