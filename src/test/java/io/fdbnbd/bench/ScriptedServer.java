package io.fdbnbd.bench;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fdbnbd.nbd.Nbd;
import io.fdbnbd.util.Threads;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** A server of one export that answers one client as a test wants it to. */
final class ScriptedServer implements AutoCloseable {

    /** Takes a request, and writes whatever is to be sent. */
    interface Script {
        void answer(Request request, DataOutputStream out) throws IOException;
    }

    /** A request, its payload taken and dropped. */
    record Request(int number, int flags, int command, long cookie, long offset, int length) {
        /** A reply, zeros for data. */
        void reply(DataOutputStream out, int error) throws IOException {
            out.writeInt(Nbd.SIMPLE_REPLY_MAGIC);
            out.writeInt(error);
            out.writeLong(cookie);
            if (error == 0 && command == Nbd.CMD_READ) {
                out.write(new byte[length]);
            }
        }
    }

    private static final Duration JOIN_DEADLINE = Duration.ofSeconds(30);
    static final long EXPORT_BYTES = 1 << 20;

    final boolean knowsGo;
    final int transmissionFlags;
    private final Script script;
    private final ServerSocket listener;
    private final Thread thread;
    private volatile @Nullable Throwable failure;

    ScriptedServer(boolean knowsGo, int transmissionFlags, Script script) throws IOException {
        this.knowsGo = knowsGo;
        this.transmissionFlags = transmissionFlags | Nbd.TRANSMIT_HAS_FLAGS;
        this.script = script;
        this.listener = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
        this.thread = Thread.ofPlatform().name("scripted-server").start(this::run);
    }

    ScriptedServer(Script script) throws IOException {
        this(true, 0, script);
    }

    String uri() {
        return "nbd://127.0.0.1:" + listener.getLocalPort() + "/disk";
    }

    private void run() {
        try (Socket client = listener.accept()) {
            client.setTcpNoDelay(true);
            DataInputStream in = new DataInputStream(client.getInputStream());
            DataOutputStream out = new DataOutputStream(client.getOutputStream());
            shakeHands(in, out);
            for (int number = 0; ; number++) {
                in.readInt();
                Request request = new Request(
                        number,
                        in.readUnsignedShort(),
                        in.readUnsignedShort(),
                        in.readLong(),
                        in.readLong(),
                        in.readInt());
                if (request.command() == Nbd.CMD_DISC) {
                    return;
                }
                if (request.command() == Nbd.CMD_WRITE) {
                    in.readNBytes(request.length());
                }
                script.answer(request, out);
            }
        } catch (EOFException | SocketException e) {
            // The client is gone, or the test is over.
        } catch (Throwable e) {
            failure = e;
        }
    }

    private void shakeHands(DataInputStream in, DataOutputStream out) throws IOException {
        out.writeLong(Nbd.INIT_MAGIC);
        out.writeLong(Nbd.OPTION_MAGIC);
        out.writeShort(Nbd.FLAG_FIXED_NEWSTYLE);
        in.readInt();
        while (true) {
            in.readLong();
            int option = in.readInt();
            in.readNBytes(in.readInt());
            if (option == Nbd.OPT_EXPORT_NAME) {
                out.writeLong(EXPORT_BYTES);
                out.writeShort(transmissionFlags);
                out.write(new byte[Nbd.EXPORT_NAME_PADDING_BYTES]);
                return;
            }
            if (knowsGo) {
                reply(out, Nbd.REP_INFO, 12);
                out.writeShort(Nbd.INFO_EXPORT);
                out.writeLong(EXPORT_BYTES);
                out.writeShort(transmissionFlags);
                reply(out, Nbd.REP_ACK, 0);
                return;
            }
            reply(out, Nbd.REP_ERR_UNSUP, 0);
        }
    }

    private static void reply(DataOutputStream out, int type, int length) throws IOException {
        out.writeLong(Nbd.OPTION_REPLY_MAGIC);
        out.writeInt(Nbd.OPT_GO);
        out.writeInt(type);
        out.writeInt(length);
    }

    @Override
    public void close() throws IOException {
        listener.close();
        assertTrue(Threads.joinOrWarn(thread, JOIN_DEADLINE), "the server goes on");
        if (failure != null) {
            throw new AssertionError(failure);
        }
    }
}
