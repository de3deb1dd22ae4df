package io.fdbnbd.volume;

import static org.junit.jupiter.api.Assertions.fail;

import java.nio.ByteBuffer;
import java.nio.LongBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Threads that write, zero and read the same sectors. Every write stamps its sectors with a number of its own; from the
 * moments at which everything began and ended follows what a sector may have held at a read: no write that was over
 * before another one began which itself was over, or seen, before the read began. And never parts of two.
 */
final class SharedSectors {

    private static final int SECTOR_BYTES = 512;
    private static final int SECTORS = 640;
    private static final int SECTORS_AT_ONCE_MAX = 160;

    /** A write (stamp), a zeroing (stamp 0), or a sighting of one: it was there when the read ended. */
    private record Span(long stamp, long began, long ended, int first, int end) {}

    private record Sighting(long began, long ended, int first, long[] stamps) {}

    private final Rig rig;
    private final long seed;
    private final int threads;
    private final int operations;
    private final AtomicLong clock = new AtomicLong(1);
    private final AtomicLong stamps = new AtomicLong(1);
    private final List<Span> spans = new ArrayList<>();
    private final List<Sighting> sightings = new ArrayList<>();

    SharedSectors(Rig rig, long seed, int threads, int operations) {
        this.rig = rig;
        this.seed = seed;
        this.threads = threads;
        this.operations = operations;
    }

    void run() throws Exception {
        rig.volume().zero(0, (long) SECTORS * SECTOR_BYTES, null);
        spans.add(new Span(0, clock.getAndIncrement(), clock.getAndIncrement(), 0, SECTORS));
        CountDownLatch start = new CountDownLatch(1);
        List<FutureTask<Client>> tasks = new ArrayList<>();
        for (int thread = 0; thread < threads; thread++) {
            Client client = new Client(new Random(seed * 131 + thread));
            tasks.add(Rig.start(() -> {
                start.await();
                client.run();
                return client;
            }));
        }
        start.countDown();
        for (FutureTask<Client> task : tasks) {
            Client client = task.get(300, TimeUnit.SECONDS);
            spans.addAll(client.spans);
            sightings.addAll(client.sightings);
        }
        // What is left in the end counts as much as what was seen on the way; from the store, too.
        sightings.add(look(0, SECTORS));
        rig.detach();
        rig.attach();
        sightings.add(look(0, SECTORS));
    }

    private Sighting look(int first, int end) throws VolumeException {
        ByteBuffer dst = ByteBuffer.wrap(Rig.filled((end - first) * SECTOR_BYTES, 0x5a));
        long began = clock.getAndIncrement();
        rig.volume().read((long) first * SECTOR_BYTES, dst);
        return new Sighting(began, clock.getAndIncrement(), first, stampsOf(dst.flip()));
    }

    private static long[] stampsOf(ByteBuffer sectors) {
        LongBuffer longs = sectors.asLongBuffer();
        long[] stamps = new long[longs.remaining() * Long.BYTES / SECTOR_BYTES];
        int perSector = SECTOR_BYTES / Long.BYTES;
        for (int i = 0; i < longs.remaining(); i++) {
            if (i % perSector == 0) {
                stamps[i / perSector] = longs.get(i);
            } else if (longs.get(i) != stamps[i / perSector]) {
                fail("a sector holds parts of writes " + stamps[i / perSector] + " and " + longs.get(i));
            }
        }
        return stamps;
    }

    /** Judges every sighting of every sector. */
    void check() {
        for (int sector = 0; sector < SECTORS; sector++) {
            checkSector(sector);
        }
    }

    private void checkSector(int sector) {
        int at = sector;
        List<Span> here = new ArrayList<>(
                spans.stream().filter(span -> span.first <= at && at < span.end).toList());
        Map<Long, Span> byStamp = new HashMap<>();
        here.stream().filter(span -> span.stamp != 0).forEach(span -> byStamp.put(span.stamp, span));
        List<Sighting> seen = sightings.stream()
                .filter(sighting -> sighting.first <= at && at < sighting.first + sighting.stamps.length)
                .toList();
        for (Sighting sighting : seen) {
            Span span = byStamp.get(sighting.stamps[at - sighting.first]);
            if (span != null) {
                here.add(new Span(-1, span.began, sighting.ended, at, at + 1));
            }
        }
        for (Sighting sighting : seen) {
            long stamp = sighting.stamps[at - sighting.first];
            long overtakenSince = here.stream()
                    .filter(span -> span.ended < sighting.began)
                    .mapToLong(Span::began)
                    .max()
                    .orElse(0);
            boolean possible = here.stream()
                    .anyMatch(
                            span -> span.stamp == stamp && span.began < sighting.ended && span.ended >= overtakenSince);
            if (!possible) {
                fail("sector " + at + " was " + stamp + " at " + sighting.began + ".." + sighting.ended
                        + ", but another write began at " + overtakenSince + " and was there before; "
                        + byStamp.get(stamp));
            }
        }
    }

    /** One connection. */
    private final class Client {

        private final Random random;
        private final List<Span> spans = new ArrayList<>();
        private final List<Sighting> sightings = new ArrayList<>();

        Client(Random random) {
            this.random = random;
        }

        void run() throws VolumeException {
            for (int i = 0; i < operations; i++) {
                int first = random.nextInt(SECTORS);
                int most = random.nextBoolean() ? 8 : SECTORS_AT_ONCE_MAX;
                int end = Math.min(SECTORS, first + 1 + random.nextInt(most));
                switch (random.nextInt(12)) {
                    case 0 -> rig.volume().flush();
                    case 1 -> put(0, first, end);
                    case 2, 3, 4, 5, 6 -> put(stamps.getAndIncrement(), first, end);
                    default -> sightings.add(look(first, end));
                }
            }
        }

        private void put(long stamp, int first, int end) throws VolumeException {
            long offset = (long) first * SECTOR_BYTES;
            int length = (end - first) * SECTOR_BYTES;
            ByteBuffer src = ByteBuffer.allocate(length);
            while (src.hasRemaining()) {
                src.putLong(stamp);
            }
            long began = clock.getAndIncrement();
            if (stamp == 0) {
                rig.volume().zero(offset, length, null);
            } else {
                rig.volume().write(offset, src.flip(), null);
            }
            spans.add(new Span(stamp, began, clock.getAndIncrement(), first, end));
        }
    }
}
