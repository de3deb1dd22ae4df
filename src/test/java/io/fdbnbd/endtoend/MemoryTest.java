package io.fdbnbd.endtoend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fdbnbd.nbd.Nbd;
import io.fdbnbd.server.NbdTestClient;
import io.fdbnbd.util.Threads;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A server with a small heap does not need more than it had before, whatever its clients do. */
@Tag("slow")
class MemoryTest {
    private static final long DISK_BYTES = 1L << 40;
    private static final int WORKERS = 6;
    private static final int WORK_REQUESTS = 60;
    private static final int WARM_UP_ROUNDS = 2;
    private static final int ROUNDS = 3;
    private static final int LONG_BYTES = 32 << 20;
    private static final int IDLE_CLIENTS = 200;
    private static final int HOGS = 3;

    /** Far more than the buffers of sockets hold. */
    private static final int HOG_REQUESTS = 1_000_000;

    private static final int HOG_GULP_REQUESTS = 1000;
    private static final int HOG_WRITES = 6;

    /** All of it: the heap, direct buffers, what RocksDB has of its own, code and stacks. */
    private static final long RESIDENT_BYTES_MAX = 640L << 20;

    /** What may come on top of what there was after the warm-up. */
    private static final long GROWTH_BYTES_MAX = 128L << 20;

    private static final long IDLE_CLIENT_BYTES_MAX = 256 << 10;

    @TempDir
    @SuppressWarnings("NullAway.Init")
    private Path directory;

    /** With all of its heap in memory from the start, so that what grows is something else. */
    private ServeProcess server() throws IOException {
        return ServeProcess.onRocks(directory)
                .jvm("-Xms256m", "-Xmx256m", "-XX:+AlwaysPreTouch")
                .volume("disk", "1T")
                .volume("other", "1T")
                .start();
    }

    @Test
    void mixedLoadOnATebibyteStaysInItsBounds() throws Exception {
        long seed = Long.getLong("fdbnbd.seed", 20_261_122L);
        System.out.println("MemoryTest: fdbnbd.seed=" + seed);
        try (ServeProcess server = server()) {
            for (int round = 0; round < WARM_UP_ROUNDS; round++) {
                work(server, seed - round);
            }
            long before = server.footprint().residentBytes();
            List<Long> after = new ArrayList<>();
            for (int round = 1; round <= ROUNDS; round++) {
                work(server, seed + round);
                after.add(server.footprint().residentBytes());
            }
            server.stop();
            String course = before + " then " + after;
            assertTrue(after.getLast() < RESIDENT_BYTES_MAX, course);
            assertTrue(after.getLast() - before < GROWTH_BYTES_MAX, course);
        }
    }

    @Test
    void idleClientsCostLittle() throws Exception {
        try (ServeProcess server = server()) {
            work(server, 1);
            long before = server.footprint().residentBytes();
            List<NbdTestClient> clients = new ArrayList<>();
            for (int i = 0; i < IDLE_CLIENTS; i++) {
                NbdTestClient client = NbdTestClient.attach(i % 2 == 0 ? server.tcp() : server.unix(), "disk");
                assertEquals(0, client.write(i * 4096L, new byte[4096]));
                clients.add(client);
            }
            long growth = server.footprint().residentBytes() - before;
            assertTrue(growth < IDLE_CLIENTS * IDLE_CLIENT_BYTES_MAX, () -> IDLE_CLIENTS + " clients cost " + growth);
            for (NbdTestClient client : clients) {
                client.close();
            }
            server.stop();
        }
    }

    /** Others go on working while there are clients that ask for much and take nothing. */
    @Test
    void clientsThatNeverReadAReplyAreBounded() throws Exception {
        try (ServeProcess server = server()) {
            work(server, 1);
            long before = server.footprint().residentBytes();
            List<NbdTestClient> hogs = new ArrayList<>();
            List<Thread> threads = new ArrayList<>();
            for (int i = 0; i < HOGS; i++) {
                NbdTestClient reader = NbdTestClient.attach(server.tcp(), "disk");
                hogs.add(reader);
                threads.add(Threads.startPlatform("hog-reader", () -> askForEver(reader)));
                NbdTestClient writer = NbdTestClient.attach(server.tcp(), "other");
                hogs.add(writer);
                threads.add(Threads.startPlatform("hog-writer", () -> writeMuch(writer)));
            }
            work(server, 2);
            long growth = server.footprint().residentBytes() - before;
            assertTrue(growth < GROWTH_BYTES_MAX, () -> "hogs cost " + growth);
            for (NbdTestClient hog : hogs) {
                hog.close();
            }
            for (Thread thread : threads) {
                thread.join();
            }
            work(server, 3);
            server.requestEnd();
            server.awaitEnd();
            assertFalse(server.log().contains("Exception"), server.log());
        }
    }

    private static void askForEver(NbdTestClient client) {
        try {
            for (int sent = 0; sent < HOG_REQUESTS; sent += HOG_GULP_REQUESTS) {
                ByteBuffer gulp = ByteBuffer.allocate(HOG_GULP_REQUESTS * Nbd.REQUEST_BYTES);
                for (int i = 0; i < HOG_GULP_REQUESTS; i++) {
                    long offset = (long) i << 20;
                    gulp.put(NbdTestClient.header(0, Nbd.CMD_READ, sent + i, offset, 1 << 20)
                            .flip());
                }
                client.send(gulp);
            }
        } catch (IOException e) {
            return; // as it should: closed by the test, or by the server for being a nuisance
        }
        throw new AssertionError("the server took " + HOG_REQUESTS + " requests of a client that takes no reply");
    }

    private static void writeMuch(NbdTestClient client) {
        byte[] data = new byte[Nbd.PAYLOAD_BYTES_MAX];
        new Random(1).nextBytes(data);
        try {
            for (int i = 0; i < HOG_WRITES; i++) {
                client.write(0, i, (long) i * data.length, data);
            }
        } catch (IOException e) {
            // Closed by the test, which had enough.
        }
    }

    /** Some clients do all that clients do; fails if anything fails. */
    private static void work(ServeProcess server, long seed) throws InterruptedException {
        AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
        List<Thread> workers = new ArrayList<>();
        for (int i = 0; i < WORKERS; i++) {
            Random random = new Random(seed * WORKERS + i);
            workers.add(Threads.startPlatform("worker-" + i, () -> {
                try (NbdTestClient client = NbdTestClient.attach(server.tcp(), "disk")) {
                    for (int request = 0; request < WORK_REQUESTS; request++) {
                        request(client, random);
                    }
                    client.disconnect();
                } catch (Throwable e) { // for the test to throw
                    failure.compareAndSet(null, e);
                }
            }));
        }
        for (Thread worker : workers) {
            worker.join();
        }
        Throwable cause = failure.get();
        if (cause != null) {
            throw new AssertionError("a client was not content; the server said:\n" + server.log(), cause);
        }
    }

    private static void request(NbdTestClient client, Random random) throws IOException {
        int kind = random.nextInt(100);
        int length = kind % 20 == 0 ? LONG_BYTES : 1 + random.nextInt(1 << 18);
        long offset = random.nextLong(DISK_BYTES - (4L << 30));
        if (kind < 50) {
            byte[] data = new byte[length];
            random.nextBytes(data);
            assertEquals(0, client.write(offset, data));
            assertEquals(data.length, client.read(offset, length).length);
        } else if (kind < 70) {
            client.read(offset, length);
        } else if (kind < 90) {
            int type = kind % 2 == 0 ? Nbd.CMD_TRIM : Nbd.CMD_WRITE_ZEROES;
            assertEquals(0, client.command(0, type, offset, random.nextLong(1L << 32)));
        } else {
            assertEquals(0, client.flush());
        }
    }
}
