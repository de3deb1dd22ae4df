package io.fdbnbd.server;

import static io.fdbnbd.util.Checks.check;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.fdbnbd.nbd.Nbd;
import io.fdbnbd.store.memory.MemoryStore;
import io.fdbnbd.util.Allocation;
import io.fdbnbd.volume.AckMode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A fuzz target: any bytes as all that a client sends, to a real server with a volume on the memory store. The first byte
 * of an input is the size of the pieces, 0 for all at once; the others are the client's.
 *
 * <p>Whatever comes, the server logs no bug, allocates nothing for a length that was merely claimed, has all its buffers
 * back at the end, and then serves a client that behaves well. One thread.
 */
public final class ConnectionFuzz {

    /** Room for a READ that goes out in pieces; little enough for an input to read it all a hundred times. */
    static final long DISK_BYTES = 4L << 20;

    private static final String BUG = "bug in this program";

    private static final long ALLOCATED_BYTES_MAX = 32L << 20;

    /** A request reads or changes the whole disk at most. */
    private static final long ALLOCATED_BYTES_PER_REQUEST_MAX = 2 * DISK_BYTES;

    private static final byte[] PATTERN = NbdTestClient.bytes(5000, 0x5a);

    private static final ByteArrayOutputStream LOGGED = new ByteArrayOutputStream();

    private static @Nullable ServerFixture fixture;
    private static PrintStream standardError = System.err;

    private ConnectionFuzz() {}

    /** Jazzer looks for this name. From here to {@link #fuzzerTearDown} what is logged is kept instead of printed. */
    public static void fuzzerInitialize() throws Exception {
        standardError = System.err;
        System.setErr(new PrintStream(LOGGED, true, StandardCharsets.UTF_8));
        fixture = new ServerFixture(new MemoryStore(), AckMode.BUFFERED, DISK_BYTES, options -> options);
    }

    /** Jazzer looks for this name. */
    public static void fuzzerTearDown() throws IOException {
        try {
            Objects.requireNonNull(fixture).close();
            fixture = null;
        } finally {
            System.err.close();
            System.setErr(standardError);
        }
    }

    /** Jazzer looks for this name. */
    public static void fuzzerTestOneInput(byte[] input) throws Exception {
        if (input.length == 0) {
            return;
        }
        ServerFixture served = Objects.requireNonNull(fixture);
        Allocation.limited(
                ALLOCATED_BYTES_MAX + ALLOCATED_BYTES_PER_REQUEST_MAX * (input.length / Nbd.REQUEST_BYTES), () -> {
                    talk(served.address(), input);
                    awaitEnd(served);
                    return null;
                });
        behaveWell(served.address());
        awaitEnd(served);
        String logged = LOGGED.toString(StandardCharsets.UTF_8);
        LOGGED.reset();
        check(!logged.contains(BUG), logged);
    }

    /** Sends all of it, then takes all that comes back, until the server hangs up. */
    private static void talk(ListenAddress address, byte[] input) throws IOException {
        int pieceBytes = input[0] == 0 ? input.length : Byte.toUnsignedInt(input[0]);
        try (NbdTestClient client = NbdTestClient.connect(address)) {
            Thread receiver = Thread.ofVirtual().name("fuzz-receive").start(() -> drain(client));
            try {
                for (int at = 1; at < input.length; at += pieceBytes) {
                    int end = Math.min(input.length, at + pieceBytes);
                    client.send(ByteBuffer.wrap(input, at, end - at).slice().position(end - at));
                }
                client.shutdownOutput();
            } catch (IOException e) {
                // The server has hung up on it, as it may: what it said before is received all the same.
            }
            joined(receiver);
        }
    }

    private static void drain(NbdTestClient client) {
        try {
            client.in().skipNBytes(Long.MAX_VALUE);
        } catch (IOException e) {
            // The end: of the stream, or by a reset where the server has not taken everything.
        }
    }

    private static void joined(Thread thread) {
        try {
            thread.join();
        } catch (InterruptedException e) {
            throw new IllegalStateException("interrupted while the server was still sending", e);
        }
    }

    /** Writes, reads, and leaves the disk empty, as the next input shall find it. */
    private static void behaveWell(ListenAddress address) throws IOException {
        try (NbdTestClient client = NbdTestClient.attach(address, ServerFixture.DISK)) {
            assertEquals(DISK_BYTES, client.sizeBytes);
            assertEquals(0, client.write(1000, PATTERN));
            assertArrayEquals(PATTERN, client.read(1000, PATTERN.length));
            assertEquals(0, client.command(0, Nbd.CMD_TRIM, 0, DISK_BYTES));
            client.disconnect();
        }
    }

    private static void awaitEnd(ServerFixture served) {
        while (served.server.connectionCount() > 0) {
            Thread.onSpinWait();
        }
        assertEquals(0, served.server.sharedBuffers().taken(), "buffers not given back to the pool");
        assertEquals(0, served.server.shares().taken(), "buffers of connections not given back");
    }
}
