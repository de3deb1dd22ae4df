package io.fdbnbd.store;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fdbnbd.store.StoreException.Kind;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

/** The part of the contract that takes several threads, or many steps, to show. */
public abstract class LoadContract extends BitsContract {
    private static final int STEPS = 2_000;

    /** Where a row of the reads below may break the rule that one commit writes one number everywhere. */
    private static final List<String> TWINS = List.of("a", "b", "m", "y", "z");

    @Test
    void aReadSeesOneVersionWhileOthersCommit() throws Exception {
        store.commit(twins(0));
        AtomicBoolean stop = new AtomicBoolean();
        FutureTask<Integer> writer = new FutureTask<>(() -> {
            int commits = 0;
            while (!stop.get()) {
                store.commit(twins(++commits));
            }
            return commits;
        });
        Thread thread = Thread.ofPlatform().name("writer").start(writer);
        try {
            long newest = 0;
            // For as long as it takes the writer to get going, too: on a busy machine all steps may be done by then.
            for (int i = 0; i < STEPS || (newest < STEPS && !writer.isDone()); i++) {
                List<Long> seen = readTwins();
                assertEquals(TWINS.size(), seen.size());
                assertEquals(1, seen.stream().distinct().count(), () -> "torn: " + seen);
                assertTrue(seen.getFirst() >= newest, "a read went back in time");
                newest = seen.getFirst();
            }
        } finally {
            stop.set(true);
            thread.join();
        }
        assertTrue(writer.get() > 1, "nothing was committed meanwhile");
    }

    private static Batch twins(long number) {
        Batch batch = new Batch();
        for (String key : TWINS) {
            batch.set(Bytes.of(key), Bytes.ofLong(number));
        }
        return batch;
    }

    /** By a lookup, two ranges and another lookup, so that a store has every occasion to change versions. */
    private List<Long> readTwins() throws StoreException {
        List<Long> seen = new ArrayList<>();
        store.read(
                null,
                List.of(
                        KeyRange.ofKey(Bytes.of("z")),
                        range("a", "c", 9),
                        range("m", "n", 9),
                        KeyRange.ofKey(Bytes.of("y"))),
                (key, value) -> seen.add(Bytes.toLong(value)));
        return seen;
    }

    @Test
    void ofManyTakersOfAGuardExactlyOneWins() throws Exception {
        int rounds = 50;
        int takers = 4;
        int wins = 0;
        for (int round = 0; round < rounds; round++) {
            byte[] before = store.get(Bytes.of("owner"));
            Guard guard = new Guard(Bytes.of("owner"), before);
            CountDownLatch start = new CountDownLatch(1);
            List<FutureTask<Boolean>> results = new ArrayList<>();
            List<Thread> threads = new ArrayList<>();
            for (int taker = 0; taker < takers; taker++) {
                byte[] name = Bytes.of(round + "/" + taker);
                FutureTask<Boolean> task = new FutureTask<>(() -> {
                    start.await();
                    return take(guard, name);
                });
                results.add(task);
                threads.add(Thread.ofPlatform().name("taker-" + taker).start(task));
            }
            start.countDown();
            for (FutureTask<Boolean> result : results) {
                if (result.get()) {
                    wins++;
                }
            }
            for (Thread thread : threads) {
                thread.join();
            }
        }
        assertEquals(rounds, wins);
    }

    private boolean take(Guard guard, byte[] name) throws StoreException {
        try {
            store.commit(new Batch().require(guard).set(guard.key(), name));
            return true;
        } catch (StoreException e) {
            assertEquals(Kind.GUARD_LOST, e.kind(), e.getMessage());
            return false;
        }
    }

    @Test
    void countersUnderGuardsLoseNoIncrement() throws Exception {
        int threadCount = 3;
        long increments = 100;
        List<FutureTask<Integer>> tasks = new ArrayList<>();
        for (int t = 0; t < threadCount; t++) {
            FutureTask<Integer> task = new FutureTask<>(() -> {
                int done = 0;
                while (done < increments) {
                    byte[] now = store.get(Bytes.of("counter"));
                    long count = now == null ? 0 : Bytes.toLong(now);
                    if (take(new Guard(Bytes.of("counter"), now), Bytes.ofLong(count + 1))) {
                        done++;
                    }
                }
                return done;
            });
            tasks.add(task);
            Thread.ofPlatform().name("counter-" + t).start(task);
        }
        for (FutureTask<Integer> task : tasks) {
            task.get();
        }
        byte[] total = store.get(Bytes.of("counter"));
        assertTrue(total != null);
        assertEquals(threadCount * increments, Bytes.toLong(total));
    }

    @Test
    void anUnguardedWriteOfAGuardsKeyIsNeverOverrun() throws Exception {
        // The owner counts up under its guard; an intruder rewrites the owner key without one and then reads the
        // count: from then on it must stand still.
        for (int round = 0; round < 100; round++) {
            byte[] owner = Bytes.of("owner" + round);
            store.commit(new Batch().set(Bytes.of("owner"), owner).set(Bytes.of("count"), Bytes.ofLong(0)));
            Guard guard = new Guard(Bytes.of("owner"), owner);
            CountDownLatch counting = new CountDownLatch(1);
            AtomicBoolean stop = new AtomicBoolean();
            FutureTask<Long> task = new FutureTask<>(() -> {
                long count = 0;
                while (true) {
                    boolean isLost = stop.get();
                    try {
                        store.commit(new Batch().require(guard).set(Bytes.of("count"), Bytes.ofLong(count + 1)));
                    } catch (StoreException e) {
                        assertEquals(Kind.GUARD_LOST, e.kind());
                        return count;
                    }
                    assertFalse(isLost, "the owner goes on under a guard that is lost");
                    count++;
                    counting.countDown();
                }
            });
            Thread thread = Thread.ofPlatform().name("owner").start(task);
            counting.await();
            store.commit(new Batch().set(Bytes.of("owner"), Bytes.of("intruder")));
            byte[] seen = store.get(Bytes.of("count"));
            stop.set(true);
            assertEquals(task.get(), seen == null ? null : Bytes.toLong(seen));
            assertArrayEquals(seen, store.get(Bytes.of("count")));
            thread.join();
        }
    }

    @Test
    void anyRunOfOperationsLeavesWhatAMapWouldHold() throws Exception {
        long seed = Long.getLong("fdbnbd.seed", 20_260_101L);
        System.out.println("LoadContract: fdbnbd.seed=" + seed);
        Random random = new Random(seed);
        NavigableMap<byte[], byte[]> model = new TreeMap<>(Arrays::compareUnsigned);
        for (int step = 0; step < STEPS; step++) {
            String where = "seed " + seed + ", step " + step;
            if (random.nextInt(3) > 0) {
                commitRandom(random, model, where);
            } else {
                readRandom(random, model, where);
            }
        }
    }

    private void commitRandom(Random random, NavigableMap<byte[], byte[]> model, String where) throws StoreException {
        Batch batch = new Batch();
        NavigableMap<byte[], byte[]> after = new TreeMap<>(model);
        boolean holds = true;
        if (random.nextInt(4) == 0) {
            byte[] key = randomKey(random);
            byte[] value = random.nextBoolean() ? model.get(key) : randomValue(random);
            batch.require(new Guard(key, value));
            holds = Arrays.equals(value, model.get(key));
        }
        for (int i = random.nextInt(8); i >= 0; i--) {
            byte[] key = randomKey(random);
            int choice = random.nextInt(10);
            if (choice < 6) {
                byte[] value = randomValue(random);
                batch.set(key, value);
                after.put(key, value);
            } else if (choice < 8) {
                batch.clear(key);
                after.remove(key);
            } else {
                byte[] end = randomKey(random);
                boolean ordered = Arrays.compareUnsigned(key, end) <= 0;
                batch.clearRange(ordered ? key : end, ordered ? end : key);
                after.subMap(ordered ? key : end, ordered ? end : key).clear();
            }
        }
        if (holds) {
            store.commit(batch);
            model.clear();
            model.putAll(after);
        } else {
            StoreException lost = assertFails(Kind.GUARD_LOST, () -> store.commit(batch));
            assertEquals(Kind.GUARD_LOST, lost.kind(), where);
        }
    }

    private void readRandom(Random random, NavigableMap<byte[], byte[]> model, String where) throws StoreException {
        List<KeyRange> ranges = new ArrayList<>();
        List<String> expected = new ArrayList<>();
        for (int i = random.nextInt(4); i >= 0; i--) {
            byte[] begin = randomKey(random);
            byte[] end = randomKey(random);
            boolean ordered = Arrays.compareUnsigned(begin, end) <= 0;
            KeyRange range = random.nextInt(3) == 0
                    ? KeyRange.ofKey(begin)
                    : new KeyRange(ordered ? begin : end, ordered ? end : begin, 1 + random.nextInt(20));
            ranges.add(range);
            model.subMap(range.begin(), range.end()).entrySet().stream()
                    .limit(range.rowsMax())
                    .map(LoadContract::textOf)
                    .forEach(expected::add);
        }
        List<String> rows = new ArrayList<>();
        store.read(null, ranges, (key, value) -> rows.add(textOf(Map.entry(key, value))));
        assertEquals(expected, rows, where);
        List<String> tried = new ArrayList<>();
        if (store.tryRead(null, ranges, (key, value) -> tried.add(textOf(Map.entry(key, value))))) {
            assertEquals(expected, tried, where);
        }
    }

    private static String textOf(Map.Entry<byte[], byte[]> row) {
        return Arrays.toString(row.getKey()) + "=" + Arrays.toString(row.getValue());
    }

    /** Up to 3 of few different bytes, so that keys meet, and are each other's prefixes. */
    private static byte[] randomKey(Random random) {
        byte[] bytes = {0, 1, 'a', 0x7f, (byte) 0x80, (byte) 0xfe};
        byte[] key = new byte[random.nextInt(4)];
        for (int i = 0; i < key.length; i++) {
            key[i] = bytes[random.nextInt(bytes.length)];
        }
        return key;
    }

    private static byte[] randomValue(Random random) {
        byte[] value = new byte[random.nextInt(4)];
        random.nextBytes(value);
        return value;
    }
}
