package io.fdbnbd.client;

import io.fdbnbd.nbd.Nbd;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/** Chooses an export: with GO, or with EXPORT_NAME on servers that do not know it. For one thread, once. */
final class ClientHandshake {

    /** What a server may answer to one option; an error's message is shorter. */
    private static final int REPLY_BYTES_MAX = 64 << 10;

    /** A server that still has not come to the point after as many replies does not mean to. */
    private static final int REPLIES_MAX = 1000;

    private static final int BLOCK_BYTES_MIN_MAX = 64 << 10;
    private static final int EXPORT_BYTES = Long.BYTES + Short.BYTES;
    private static final int BLOCK_SIZE_BYTES = 3 * Integer.BYTES;

    private final SocketChannel channel;
    private final NbdUri uri;
    private final byte[] name;

    private long sizeBytes = -1;
    private int flags;
    private long blockBytesMin = RemoteExport.BLOCK_BYTES_MIN_DEFAULT;
    private long payloadBytesMax = Nbd.PAYLOAD_ADVERTISED_BYTES_MAX;

    ClientHandshake(SocketChannel channel, NbdUri uri) {
        this.channel = channel;
        this.uri = uri;
        this.name = uri.export().getBytes(StandardCharsets.UTF_8);
    }

    /** @throws IOException if the server refuses, or is none of NBD; the message says why, for the user */
    RemoteExport run() throws IOException {
        if (name.length > Nbd.STRING_BYTES_MAX) {
            throw failed("an export's name has " + Nbd.STRING_BYTES_MAX + " bytes at most");
        }
        ByteBuffer greeting = read(8 + 8 + 2);
        if (greeting.getLong() != Nbd.INIT_MAGIC) {
            throw failed("this is no NBD server");
        }
        if (greeting.getLong() != Nbd.OPTION_MAGIC) {
            throw failed("the server speaks the oldstyle protocol, which has no exports");
        }
        int offered = greeting.getShort();
        int chosen = offered & (Nbd.FLAG_FIXED_NEWSTYLE | Nbd.FLAG_NO_ZEROES);
        send(ByteBuffer.allocate(Nbd.CLIENT_FLAGS_BYTES).putInt(chosen));
        if ((offered & Nbd.FLAG_FIXED_NEWSTYLE) == 0 || !go()) {
            exportName((chosen & Nbd.FLAG_NO_ZEROES) == 0);
        }
        return checked();
    }

    /** Returns false if the server does not know GO. */
    private boolean go() throws IOException {
        ByteBuffer data = ByteBuffer.allocate(Integer.BYTES + name.length + 2 * Short.BYTES);
        data.putInt(name.length).put(name).putShort((short) 1).putShort((short) Nbd.INFO_BLOCK_SIZE);
        sendOption(Nbd.OPT_GO, data);
        for (int i = 0; i < REPLIES_MAX; i++) {
            ByteBuffer header = read(Nbd.OPTION_REPLY_HEADER_BYTES);
            if (header.getLong() != Nbd.OPTION_REPLY_MAGIC || header.getInt() != Nbd.OPT_GO) {
                throw failed("the server answered something that was not asked: it is out of step");
            }
            int type = header.getInt();
            long length = Integer.toUnsignedLong(header.getInt());
            if (length > REPLY_BYTES_MAX) {
                throw failed("the server announces a reply of " + length + " bytes, which no option has");
            }
            ByteBuffer content = read((int) length);
            switch (type) {
                case Nbd.REP_ACK -> {
                    return true;
                }
                case Nbd.REP_INFO -> note(content);
                case Nbd.REP_ERR_UNSUP -> {
                    return false;
                }
                default -> throw refused(type, content);
            }
        }
        throw failed("the server gives information without end");
    }

    private void note(ByteBuffer info) throws IOException {
        int type = info.remaining() < Short.BYTES ? -1 : info.getShort();
        if (type == Nbd.INFO_EXPORT) {
            requireLength(info, EXPORT_BYTES);
            sizeBytes = info.getLong();
            flags = info.getShort();
        } else if (type == Nbd.INFO_BLOCK_SIZE) {
            requireLength(info, BLOCK_SIZE_BYTES);
            blockBytesMin = Integer.toUnsignedLong(info.getInt());
            info.getInt(); // what it prefers
            payloadBytesMax = Integer.toUnsignedLong(info.getInt());
        }
    }

    private void requireLength(ByteBuffer info, int bytes) throws IOException {
        if (info.remaining() != bytes) {
            throw failed("the server's information has " + info.remaining() + " bytes where there must be " + bytes);
        }
    }

    private IOException refused(int type, ByteBuffer message) {
        String export = "the export '" + uri.export() + "'";
        String reason = switch (type) {
            case Nbd.REP_ERR_UNKNOWN -> "the server has not " + export;
            case Nbd.REP_ERR_TLS_REQD ->
                "the server serves " + export + " over TLS only, which this command does not speak";
            case Nbd.REP_ERR_SHUTDOWN -> "the server is stopping";
            default -> "the server refuses " + export + " (reply 0x" + Integer.toHexString(type) + ")";
        };
        String said = StandardCharsets.UTF_8.decode(message).toString();
        return failed(said.isBlank() ? reason : reason + ": " + said.strip());
    }

    private void exportName(boolean zeroes) throws IOException {
        sendOption(Nbd.OPT_EXPORT_NAME, ByteBuffer.allocate(name.length).put(name));
        // There is no refusal but the end of the connection.
        Optional<ByteBuffer> answer = tryRead(EXPORT_BYTES);
        ByteBuffer export = answer.orElseThrow(() -> failed("the server has not the export '" + uri.export() + "'"));
        sizeBytes = export.getLong();
        flags = export.getShort();
        if (zeroes) {
            read(Nbd.EXPORT_NAME_PADDING_BYTES);
        }
    }

    private RemoteExport checked() throws IOException {
        if (sizeBytes < 0) {
            throw failed("the server has not said how large the export is");
        }
        if (blockBytesMin < 1 || blockBytesMin > BLOCK_BYTES_MIN_MAX || Long.bitCount(blockBytesMin) != 1) {
            throw failed("the server's smallest block of " + blockBytesMin + " bytes is none that NBD allows");
        }
        return new RemoteExport(sizeBytes, flags, blockBytesMin, payloadBytesMax);
    }

    private void sendOption(int option, ByteBuffer data) throws IOException {
        data.flip();
        ByteBuffer request = ByteBuffer.allocate(Nbd.OPTION_HEADER_BYTES + data.remaining());
        send(request.putLong(Nbd.OPTION_MAGIC)
                .putInt(option)
                .putInt(data.remaining())
                .put(data));
    }

    private void send(ByteBuffer bytes) throws IOException {
        bytes.flip();
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }

    private ByteBuffer read(int bytes) throws IOException {
        return tryRead(bytes).orElseThrow(() -> failed("the server closed the connection in the handshake"));
    }

    /** Empty if the connection ends before. Takes nothing of what follows. */
    private Optional<ByteBuffer> tryRead(int bytes) throws IOException {
        ByteBuffer in = ByteBuffer.allocate(bytes);
        while (in.hasRemaining()) {
            if (channel.read(in) < 0) {
                return Optional.empty();
            }
        }
        return Optional.of(in.flip());
    }

    private IOException failed(String reason) {
        return new IOException(uri + ": " + reason);
    }
}
