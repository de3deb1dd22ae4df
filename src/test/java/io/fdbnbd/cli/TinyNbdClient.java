package io.fdbnbd.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.fdbnbd.nbd.Nbd;
import io.fdbnbd.server.ListenAddress;
import java.io.DataInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;

/** Attaches a volume in the oldest way that is still allowed, and writes. */
final class TinyNbdClient implements AutoCloseable {
    private final SocketChannel channel;
    private final DataInputStream in;

    TinyNbdClient(ListenAddress address, String volume) throws IOException {
        channel = SocketChannel.open(address.resolve());
        in = new DataInputStream(Channels.newInputStream(channel));
        assertEquals(Nbd.INIT_MAGIC, in.readLong());
        assertEquals(Nbd.OPTION_MAGIC, in.readLong());
        in.readShort();
        byte[] name = volume.getBytes(StandardCharsets.UTF_8);
        send(ByteBuffer.allocate(4 + 16 + name.length)
                .putInt(Nbd.FLAG_FIXED_NEWSTYLE | Nbd.FLAG_NO_ZEROES)
                .putLong(Nbd.OPTION_MAGIC)
                .putInt(Nbd.OPT_EXPORT_NAME)
                .putInt(name.length)
                .put(name));
        in.readLong();
        in.readShort();
    }

    /** Returns when the write was answered with success. */
    void write(long offset, byte[] data) throws IOException {
        send(ByteBuffer.allocate(Nbd.REQUEST_BYTES + data.length)
                .putInt(Nbd.REQUEST_MAGIC)
                .putShort((short) 0)
                .putShort((short) Nbd.CMD_WRITE)
                .putLong(7)
                .putLong(offset)
                .putInt(data.length)
                .put(data));
        assertEquals(Nbd.SIMPLE_REPLY_MAGIC, in.readInt());
        assertEquals(0, in.readInt());
        assertEquals(7, in.readLong());
    }

    /** Asks for the first {@code length} bytes, and leaves the reply where it is. */
    void askAndTakeNothing(int length) throws IOException {
        send(ByteBuffer.allocate(Nbd.REQUEST_BYTES)
                .putInt(Nbd.REQUEST_MAGIC)
                .putShort((short) 0)
                .putShort((short) Nbd.CMD_READ)
                .putLong(8)
                .putLong(0)
                .putInt(length));
    }

    private void send(ByteBuffer bytes) throws IOException {
        bytes.flip();
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
