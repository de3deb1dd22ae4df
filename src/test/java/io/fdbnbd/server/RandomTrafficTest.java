package io.fdbnbd.server;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fdbnbd.nbd.Framing;
import io.fdbnbd.nbd.Nbd;
import io.fdbnbd.nbd.Request;
import io.fdbnbd.nbd.StatusExtent;
import io.fdbnbd.server.ReplyChecker.Answer;
import io.fdbnbd.store.Store;
import io.fdbnbd.store.memory.MemoryStore;
import io.fdbnbd.store.rocks.RocksStore;
import io.fdbnbd.tls.TestAuthority;
import io.fdbnbd.volume.AckMode;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorCompletionService;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Random requests of all kinds and sizes, legal and not, in random batches, on several connections at once, each in its
 * own part of the disk and checked against a copy, as their replies are against the specification. Also a hunt for
 * replies that are lost between threads: one lost is a test that hangs.
 */
@Timeout(120)
class RandomTrafficTest {
    private static final int CONNECTIONS = 4;
    private static final int PART_BYTES = 6 << 20;
    private static final int BATCHES = 60;
    private static final int BATCH_MAX = 40;

    private static final int[] LENGTHS = {1, 512, 4096, 5000, 65_536, 131_072, 300_000, 1 << 20, (2 << 20) + 4096};

    /** A reply must have this error, and data if it is a READ's: as of the request's place in the batch. */
    private record Expected(int error, byte[] data) {}

    @ParameterizedTest
    @EnumSource(Framing.class)
    void withEverythingAtHand(Framing framing) throws Exception {
        run(new MemoryStore(), AckMode.BUFFERED, 256 << 20, false, framing);
    }

    @ParameterizedTest
    @EnumSource(Framing.class)
    void withEveryReadWaiting(Framing framing) throws Exception {
        run(new MemoryStore(), AckMode.BUFFERED, 256 << 20, true, framing);
    }

    @ParameterizedTest
    @EnumSource(Framing.class)
    void withRepliesAfterTheCommit(Framing framing) throws Exception {
        run(new MemoryStore(), AckMode.COMMITTED, 256 << 20, true, framing);
    }

    @ParameterizedTest
    @EnumSource(Framing.class)
    void withCommitsWhereRequestsAreRead(Framing framing) throws Exception {
        try (ServerFixture fixture = new ServerFixture()) {
            fixture.reads.immediate = true;
            run(fixture, false, framing, () -> fixture.attach(framing));
        }
    }

    @ParameterizedTest
    @EnumSource(Framing.class)
    void withHardlyAnyBuffers(Framing framing) throws Exception {
        run(new MemoryStore(), AckMode.BUFFERED, 6 << 20, true, framing);
    }

    /** The replies of the reader and of the writer go through one engine, which the requests come through too. */
    @ParameterizedTest
    @EnumSource(Framing.class)
    void throughTls(Framing framing, @TempDir Path folder) throws Exception {
        TestAuthority authority = TestAuthority.create(folder, "authority");
        Access secure = Access.OPEN.withTls(
                new Access.Tls(true, authority.server("server").context()));
        try (ServerFixture fixture = new ServerFixture(AckMode.BUFFERED, options -> options.withAccess(secure))) {
            run(fixture, true, framing, () -> fixture.attachSecurely(authority.trusting(), framing));
        }
    }

    @ParameterizedTest
    @EnumSource(Framing.class)
    void onRocksDb(Framing framing, @TempDir Path directory) throws Exception {
        run(RocksStore.open(directory), AckMode.BUFFERED, 256 << 20, false, framing);
    }

    private static void run(Store store, AckMode ackMode, long bufferBytes, boolean readsWait, Framing framing)
            throws Exception {
        try (ServerFixture fixture =
                new ServerFixture(store, ackMode, options -> options.withBufferBytesMax(bufferBytes))) {
            run(fixture, readsWait, framing, () -> fixture.attach(framing));
        }
    }

    private static void run(ServerFixture fixture, boolean readsWait, Framing framing, Callable<NbdTestClient> attach)
            throws Exception {
        long seed = Long.getLong("fdbnbd.seed", 20_261_123L);
        System.out.println("RandomTrafficTest: fdbnbd.seed=" + seed);
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            fixture.reads.hasNothingAtHand = readsWait;
            ExecutorCompletionService<Void> all = new ExecutorCompletionService<>(threads);
            for (int i = 0; i < CONNECTIONS; i++) {
                all.submit(new Traffic(attach.call(), framing, i, new Random(seed + i)));
            }
            try {
                for (int i = 0; i < CONNECTIONS; i++) {
                    all.take().get();
                }
            } catch (ExecutionException e) {
                threads.shutdownNow(); // the others may wait for what does not come
                throw e;
            }
        }
    }

    private static final class Traffic implements Callable<Void> {
        private final NbdTestClient client;
        private final Framing framing;
        private final long begin;
        private final Random random;
        private final ReplyChecker replies;
        private final byte[] model = new byte[PART_BYTES];
        private final Map<Long, Expected> expected = new HashMap<>();
        private final List<ByteBuffer> requests = new ArrayList<>();
        private long holeBytes;

        Traffic(NbdTestClient client, Framing framing, int part, Random random) {
            this.client = client;
            this.framing = framing;
            this.begin = (long) part * PART_BYTES;
            this.random = random;
            this.replies = new ReplyChecker(client.in(), framing);
        }

        @Override
        public Void call() throws Exception {
            for (int batch = 0; batch < BATCHES; batch++) {
                fillBatch();
                run("batch " + batch);
            }
            add(0, Nbd.CMD_READ, 0, PART_BYTES, new Expected(0, model));
            run("all of it");
            if (framing != Framing.SIMPLE) {
                compareExtents();
            }
            assertEquals(framing == Framing.SIMPLE, holeBytes == 0, "holes");
            return null;
        }

        /** Once everything is stored, extents are exact. */
        private void compareExtents() throws Exception {
            add(0, Nbd.CMD_FLUSH, -begin, 0, new Expected(0, new byte[0]));
            run("flush");
            int at = 0;
            while (at < PART_BYTES) {
                Request request = new Request(0, Nbd.CMD_BLOCK_STATUS, 1, begin + at, PART_BYTES - at);
                replies.expect(request);
                client.send(NbdTestClient.header(framing, request));
                for (StatusExtent extent : replies.next().extents()) {
                    long end = at + extent.bytes();
                    for (; at < end; at += ServerFixture.BLOCK_BYTES) {
                        assertEquals(extent.flags() != 0, isZero(model, at, ServerFixture.BLOCK_BYTES), "byte " + at);
                    }
                }
            }
        }

        private static void checkHoles(Answer answer, byte[] data) {
            int at = 0;
            for (StatusExtent extent : answer.extents()) {
                assertTrue(extent.flags() == 0 || isZero(data, at, (int) extent.bytes()), "a hole with data");
                at += (int) extent.bytes();
            }
        }

        private static boolean isZero(byte[] bytes, int from, int length) {
            return Arrays.equals(bytes, from, from + length, new byte[length], 0, length);
        }

        /** They do not overlap, so that the order in which they are executed does not matter. */
        private void fillBatch() {
            int at = random.nextInt(5000);
            for (int i = 0; i < 1 + random.nextInt(BATCH_MAX); i++) {
                int length = Math.min(LENGTHS[random.nextInt(LENGTHS.length)], PART_BYTES - at);
                int type = random.nextInt(framing == Framing.SIMPLE ? 7 : 8);
                if (length <= 0 || type == Nbd.CMD_DISC) {
                    continue;
                }
                if (random.nextInt(20) == 0) {
                    addIllegal(type, length);
                } else if (type == Nbd.CMD_FLUSH) {
                    add(0, type, -begin, 0, new Expected(0, new byte[0]));
                } else {
                    addLegal(type, at, length);
                    at += length + random.nextInt(3) * random.nextInt(4096);
                }
            }
        }

        private void addLegal(int type, int at, int length) {
            int flags = random.nextInt(4) == 0 ? Nbd.CMD_FLAG_FUA : 0;
            switch (type) {
                case Nbd.CMD_READ -> {
                    flags |= framing != Framing.SIMPLE && random.nextInt(4) == 0 ? Nbd.CMD_FLAG_DF : 0;
                    add(flags, type, at, length, new Expected(0, Arrays.copyOfRange(model, at, at + length)));
                }
                case Nbd.CMD_BLOCK_STATUS -> {
                    flags |= random.nextInt(4) == 0 ? Nbd.CMD_FLAG_REQ_ONE : 0;
                    add(flags, type, at, length, new Expected(0, Arrays.copyOfRange(model, at, at + length)));
                }
                case Nbd.CMD_WRITE -> {
                    byte[] written = new byte[length];
                    random.nextBytes(written);
                    // Zeroes that are written are holes too.
                    int zeroes = random.nextInt(length);
                    Arrays.fill(written, zeroes, zeroes + random.nextInt(length - zeroes), (byte) 0);
                    System.arraycopy(written, 0, model, at, length);
                    add(flags, type, at, length, new Expected(0, new byte[0]));
                    requests.add(ByteBuffer.wrap(written).position(length));
                }
                default -> {
                    if (type != Nbd.CMD_CACHE) {
                        Arrays.fill(model, at, at + length, (byte) 0);
                    }
                    add(flags, type, at, length, new Expected(0, new byte[0]));
                }
            }
        }

        private void addIllegal(int type, int length) {
            add(1 << 6, type, 0, length, new Expected(Nbd.EINVAL, new byte[0]));
            if (type == Nbd.CMD_WRITE) {
                requests.add(ByteBuffer.allocate(length).position(length));
            }
        }

        private void add(int flags, int type, long at, int length, Expected outcome) {
            Request request = new Request(flags, type, random.nextLong(), begin + at, length);
            replies.expect(request);
            expected.put(request.cookie(), outcome);
            requests.add(NbdTestClient.header(framing, request));
        }

        /** With a sender of its own: the server may reply before it reads on. */
        private void run(String name) throws Exception {
            Thread sender = Thread.startVirtualThread(() -> {
                try {
                    for (ByteBuffer request : requests) {
                        client.send(request);
                    }
                } catch (Exception e) {
                    throw new IllegalStateException(e);
                }
            });
            while (!replies.isDone()) {
                Answer answer = replies.next();
                Expected outcome =
                        Objects.requireNonNull(expected.remove(answer.request().cookie()));
                assertEquals(outcome.error(), answer.error(), name);
                if (!answer.extents().isEmpty()) {
                    checkHoles(answer, outcome.data());
                } else if (outcome.error() == 0) {
                    assertArrayEquals(outcome.data(), answer.data(), name);
                }
                holeBytes += answer.holeBytes();
            }
            assertTrue(expected.isEmpty(), name);
            sender.join();
            requests.clear();
        }
    }
}
