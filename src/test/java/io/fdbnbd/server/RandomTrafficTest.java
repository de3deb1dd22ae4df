package io.fdbnbd.server;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import io.fdbnbd.nbd.Nbd;
import io.fdbnbd.tls.TestAuthority;
import io.fdbnbd.volume.AckMode;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Random requests of all kinds and sizes, in random batches, on several connections at once, each in its own part of the
 * disk and checked against a copy. Also a hunt for replies that are lost between threads: one lost is a test that hangs.
 */
@Timeout(120)
class RandomTrafficTest {
    private static final int CONNECTIONS = 4;
    private static final int PART_BYTES = 6 << 20;
    private static final int BATCHES = 60;
    private static final int BATCH_MAX = 40;

    private static final int[] LENGTHS = {1, 512, 4096, 5000, 65_536, 131_072, 300_000, 1 << 20, (2 << 20) + 4096};

    @TempDir
    Path folder;

    /** What a READ must give, as of its place in the batch. */
    private record Expected(int type, byte[] data) {}

    @Test
    void withEverythingAtHand() throws Exception {
        run(AckMode.BUFFERED, 256 << 20, false);
    }

    @Test
    void withEveryReadWaiting() throws Exception {
        run(AckMode.BUFFERED, 256 << 20, true);
    }

    @Test
    void withRepliesAfterTheCommit() throws Exception {
        run(AckMode.COMMITTED, 256 << 20, true);
    }

    @Test
    void withHardlyAnyBuffers() throws Exception {
        run(AckMode.BUFFERED, 6 << 20, true);
    }

    /** The replies of the reader and of the writer go through one engine, which the requests come through too. */
    @Test
    void throughTls() throws Exception {
        TestAuthority authority = TestAuthority.create(folder, "authority");
        Access secure = Access.OPEN.withTls(
                new Access.Tls(true, authority.server("server").context()));
        try (ServerFixture fixture = new ServerFixture(AckMode.BUFFERED, options -> options.withAccess(secure))) {
            run(fixture, true, () -> fixture.attachSecurely(authority.trusting()));
        }
    }

    private static void run(AckMode ackMode, long bufferBytes, boolean readsWait) throws Exception {
        try (ServerFixture fixture = new ServerFixture(ackMode, options -> options.withBufferBytesMax(bufferBytes))) {
            run(fixture, readsWait, fixture::attach);
        }
    }

    private static void run(ServerFixture fixture, boolean readsWait, Callable<NbdTestClient> attach) throws Exception {
        long seed = Long.getLong("fdbnbd.seed", 20_261_123L);
        System.out.println("RandomTrafficTest: fdbnbd.seed=" + seed);
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            fixture.reads.hasNothingAtHand = readsWait;
            List<Future<Void>> all = new ArrayList<>();
            for (int i = 0; i < CONNECTIONS; i++) {
                all.add(threads.submit(traffic(attach.call(), i, new Random(seed + i))));
            }
            for (Future<Void> one : all) {
                one.get();
            }
        }
    }

    private static Callable<Void> traffic(NbdTestClient client, int part, Random random) {
        return () -> {
            long begin = (long) part * PART_BYTES;
            byte[] model = new byte[PART_BYTES];
            for (int batch = 0; batch < BATCHES; batch++) {
                batch(client, begin, model, random, batch);
            }
            assertArrayEquals(model, client.read(begin, PART_BYTES));
            return null;
        };
    }

    /**
     * The requests of a batch do not overlap, so that the order in which they are executed does not matter. A sender of
     * its own: the server may reply before it reads on.
     */
    private static void batch(NbdTestClient client, long begin, byte[] model, Random random, int batch)
            throws Exception {
        Map<Long, Expected> outstanding = new HashMap<>();
        List<ByteBuffer> requests = new ArrayList<>();
        int at = random.nextInt(5000);
        for (int i = 0; i < 1 + random.nextInt(BATCH_MAX); i++) {
            int length = Math.min(LENGTHS[random.nextInt(LENGTHS.length)], PART_BYTES - at);
            int type = random.nextInt(7);
            if (length <= 0 || type == Nbd.CMD_DISC) {
                continue;
            }
            long cookie = random.nextLong();
            boolean ranged = type != Nbd.CMD_FLUSH;
            int flags = random.nextInt(4) == 0 ? Nbd.CMD_FLAG_FUA : 0;
            requests.add(NbdTestClient.header(flags, type, cookie, ranged ? begin + at : 0, ranged ? length : 0));
            byte[] data = new byte[0];
            switch (type) {
                case Nbd.CMD_READ -> data = Arrays.copyOfRange(model, at, at + length);
                case Nbd.CMD_WRITE -> {
                    byte[] written = new byte[length];
                    random.nextBytes(written);
                    System.arraycopy(written, 0, model, at, length);
                    requests.add(ByteBuffer.wrap(written).position(length));
                }
                case Nbd.CMD_TRIM, Nbd.CMD_WRITE_ZEROES -> Arrays.fill(model, at, at + length, (byte) 0);
                default -> {}
            }
            outstanding.put(cookie, new Expected(type, data));
            if (ranged) {
                at += length + random.nextInt(3) * random.nextInt(4096);
            }
        }
        Thread sender = Thread.startVirtualThread(() -> {
            try {
                for (ByteBuffer request : requests) {
                    client.send(request);
                }
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
        });
        while (!outstanding.isEmpty()) {
            NbdTestClient.Reply reply = client.reply();
            Expected expected = outstanding.remove(reply.cookie());
            assertNotNull(expected, "a reply to nothing");
            assertEquals(0, reply.error());
            assertArrayEquals(expected.data(), client.data(expected.data().length), "batch " + batch);
        }
        sender.join();
    }
}
