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
import java.util.function.UnaryOperator;

/**
 * A real server with a volume on the memory store, for clients that send anything. Whatever comes, it logs no bug,
 * allocates nothing for a length that was merely claimed, has all its buffers back at the end, and then serves a client
 * that behaves well. One thread. While it is open, what is logged is kept instead of printed.
 */
final class FuzzedServer implements AutoCloseable {

    /** Room for a READ that goes out in pieces; little enough for an input to read it all a hundred times. */
    static final long DISK_BYTES = 4L << 20;

    private static final String BUG = "bug in this program";

    private static final long ALLOCATED_BYTES_MAX = 32L << 20;

    /** A request reads or changes the whole disk at most. */
    private static final long ALLOCATED_BYTES_PER_REQUEST_MAX = 2 * DISK_BYTES;

    private static final byte[] PATTERN = NbdTestClient.bytes(5000, 0x5a);

    private final ByteArrayOutputStream logged = new ByteArrayOutputStream();
    private final PrintStream standardError = System.err;
    private final ServerFixture fixture;

    /** What a client does with a server, to the end of its connection. */
    interface Talk {
        void with(ListenAddress address) throws Exception;
    }

    FuzzedServer(UnaryOperator<ServerOptions> change) throws Exception {
        System.setErr(new PrintStream(logged, true, StandardCharsets.UTF_8));
        fixture = new ServerFixture(new MemoryStore(), AckMode.BUFFERED, DISK_BYTES, change);
    }

    /** @param inputBytes how much the client sends */
    void survives(int inputBytes, Talk talk) throws Exception {
        long allocatedBytesMax =
                ALLOCATED_BYTES_MAX + ALLOCATED_BYTES_PER_REQUEST_MAX * (inputBytes / Nbd.REQUEST_BYTES);
        Allocation.limited(allocatedBytesMax, () -> {
            talk.with(fixture.address());
            awaitEnd();
            return null;
        });
        behaveWell();
        awaitEnd();
        String log = logged.toString(StandardCharsets.UTF_8);
        logged.reset();
        check(!log.contains(BUG), log);
    }

    /**
     * Sends {@code input} from {@code start} on in pieces, then takes all that comes back, until the server hangs up.
     *
     * @param pieceBytes 0 for all at once
     */
    static void sendAndDrain(NbdTestClient client, NbdTestClient.Sending way, byte[] input, int start, int pieceBytes) {
        int step = pieceBytes == 0 ? input.length : pieceBytes;
        Thread receiver = Thread.ofVirtual().name("fuzz-receive").start(() -> drain(client));
        try {
            for (int at = start; at < input.length; at += step) {
                int end = Math.min(input.length, at + step);
                way.send(ByteBuffer.wrap(input, at, end - at).slice().position(end - at));
            }
            client.shutdownOutput();
        } catch (IOException e) {
            // The server has hung up on it, as it may: what it said before is received all the same.
        }
        joined(receiver);
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
    private void behaveWell() throws IOException {
        try (NbdTestClient client = NbdTestClient.attach(fixture.address(), ServerFixture.DISK)) {
            assertEquals(DISK_BYTES, client.sizeBytes);
            assertEquals(0, client.write(1000, PATTERN));
            assertArrayEquals(PATTERN, client.read(1000, PATTERN.length));
            assertEquals(0, client.command(0, Nbd.CMD_TRIM, 0, DISK_BYTES));
            client.disconnect();
        }
    }

    private void awaitEnd() {
        while (fixture.server.connectionCount() > 0) {
            Thread.onSpinWait();
        }
        assertEquals(0, fixture.server.sharedBuffers().taken(), "buffers not given back to the pool");
        assertEquals(0, fixture.server.shares().taken(), "buffers of connections not given back");
    }

    @Override
    public void close() throws IOException {
        try {
            fixture.close();
        } finally {
            System.err.close();
            System.setErr(standardError);
        }
    }
}
