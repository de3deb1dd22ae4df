package io.fdbnbd.volume;

import static io.fdbnbd.volume.Rig.assertFails;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fdbnbd.store.Batch;
import io.fdbnbd.store.FaultStore;
import io.fdbnbd.store.FaultStore.Fault;
import io.fdbnbd.store.KeyRange;
import io.fdbnbd.store.StoreException;
import io.fdbnbd.store.StoreException.Kind;
import io.fdbnbd.store.memory.MemoryStore;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CatalogTest {

    private static final Instant NOW = Instant.ofEpochMilli(1_700_000_000_123L);

    private final FaultStore store = new FaultStore(new MemoryStore());
    private final Catalog catalog = new Catalog(store, InstantSource.fixed(NOW.plusNanos(456)));

    @AfterEach
    void closeStore() throws Exception {
        store.close();
    }

    private static VolumeSpec spec(String name) {
        return new VolumeSpec(name, 12_345, 512, Compression.ZSTD);
    }

    private static byte[] volumeKey(String name) {
        return Keys.volume(name.getBytes(StandardCharsets.UTF_8));
    }

    private Map<String, String> everything() throws StoreException {
        Map<String, String> rows = new TreeMap<>();
        store.read(
                null,
                List.of(new KeyRange(new byte[0], new byte[] {(byte) 0xff}, Integer.MAX_VALUE)),
                (key, value) -> rows.put(Arrays.toString(key), Arrays.toString(value)));
        return rows;
    }

    private List<VolumeInfo> listed() throws VolumeException {
        VolumeList list = catalog.list();
        assertEquals(List.of(), list.unreadable());
        return list.volumes();
    }

    /** Checks that a call fails, and changes nothing. */
    private VolumeException assertRefused(VolumeException.Kind kind, Executable call) throws StoreException {
        Map<String, String> before = everything();
        VolumeException failure = assertFails(kind, call);
        assertEquals(before, everything());
        return failure;
    }

    @Test
    void whatIsCreatedIsFound() throws Exception {
        VolumeInfo created = catalog.create(spec("a"));
        assertEquals(new VolumeInfo("a", 12_345, 512, Compression.ZSTD, NOW, 1), created);
        assertEquals(Optional.of(created), catalog.find("a"));
        assertEquals(25, created.blockCount());
        assertEquals(Optional.empty(), catalog.find("b"));
        assertEquals(List.of(created), listed());
    }

    @Test
    void volumesAreListedInTheOrderOfTheirNames() throws Exception {
        List<String> names = List.of("b", "a", "ä", "a b", "\uD83D\uDCBE", "B");
        for (String name : names) {
            catalog.create(spec(name));
        }
        assertEquals(
                List.of("B", "a", "a b", "b", "ä", "\uD83D\uDCBE"),
                listed().stream().map(VolumeInfo::name).toList());
    }

    @Test
    void aListHasMoreThanOnePage() throws Exception {
        int count = 2001;
        Batch batch = new Batch();
        for (int i = 0; i < count; i++) {
            VolumeInfo info = new VolumeInfo("v" + (10_000 + i), 1, 512, Compression.NONE, NOW, i + 1);
            batch.set(volumeKey(info.name()), VolumeRecord.encode(info));
        }
        store.commit(batch);
        List<VolumeInfo> volumes = listed();
        assertEquals(count, volumes.size());
        assertEquals("v12000", volumes.getLast().name());
    }

    @Test
    void aNameIsGivenOnce() throws Exception {
        catalog.create(spec("a"));
        assertRefused(VolumeException.Kind.EXISTS, () -> catalog.create(spec("a")));
    }

    @Test
    void whatIsMissingIsNotDeleted() throws Exception {
        assertRefused(VolumeException.Kind.MISSING, () -> catalog.delete("a"));
        catalog.create(spec("b"));
        assertRefused(VolumeException.Kind.MISSING, () -> catalog.delete("a"));
    }

    @Test
    void aDeletedVolumeLeavesNothingAndItsLayerIsNotGivenAgain() throws Exception {
        VolumeInfo kept = catalog.create(spec("kept"));
        VolumeInfo gone = catalog.create(spec("gone"));
        for (VolumeInfo info : List.of(kept, gone)) {
            store.commit(new Batch()
                    .set(Keys.data(info.layer(), 0), new byte[1])
                    .set(Keys.data(info.layer(), (1L << 53) - 1), new byte[1])
                    .set(Keys.owner(info.layer()), new byte[24])
                    .set(Keys.lease(info.layer()), new byte[24]));
        }
        int before = everything().size();
        catalog.delete("gone");
        assertEquals(before - 5, everything().size());
        assertEquals(List.of(kept), listed());
        assertNotEquals(gone.layer(), catalog.create(spec("gone")).layer());
        assertEquals(3, catalog.find("gone").orElseThrow().layer());
    }

    @Test
    void sizesHaveLimits() throws Exception {
        long max = VolumeSpec.SIZE_BYTES_MAX;
        for (long size : new long[] {0, -1, max + 1, Long.MIN_VALUE, Long.MAX_VALUE}) {
            assertRefused(
                    VolumeException.Kind.INVALID,
                    () -> catalog.create(new VolumeSpec("a", size, 512, Compression.NONE)));
        }
        for (int block : new int[] {0, 256, 513, 4095, 131_072, -512, Integer.MIN_VALUE}) {
            assertRefused(
                    VolumeException.Kind.INVALID,
                    () -> catalog.create(new VolumeSpec("a", 1, block, Compression.NONE)));
        }
        catalog.create(new VolumeSpec("small", 1, 65_536, Compression.NONE));
        catalog.create(new VolumeSpec("large", max, 512, Compression.NONE));
        assertEquals(max, catalog.find("large").orElseThrow().sizeBytes());
    }

    @Test
    void badNamesAreRefusedEverywhere() throws Exception {
        for (String name : List.of("", "a/b", "a\0", "\uD800", "x".repeat(256))) {
            assertRefused(VolumeException.Kind.INVALID, () -> catalog.create(spec(name)));
            assertRefused(VolumeException.Kind.INVALID, () -> catalog.delete(name));
            assertRefused(VolumeException.Kind.INVALID, () -> catalog.find(name));
        }
    }

    @ParameterizedTest(name = "format {index}")
    @ValueSource(strings = {"fdb-nbd\0\1", "fdb-nbd\0\3", "fdb-nbd\u00ff\u00ff"})
    void aStoreOfAnotherVersionIsNotTouched(String format) throws Exception {
        catalog.create(spec("a"));
        store.commit(new Batch().set(Keys.format(), format.getBytes(StandardCharsets.ISO_8859_1)));
        assertRefused(VolumeException.Kind.FUTURE_FORMAT, catalog::checkFormat);
        assertRefused(VolumeException.Kind.FUTURE_FORMAT, () -> catalog.create(spec("b")));
        assertRefused(VolumeException.Kind.FUTURE_FORMAT, () -> catalog.delete("a"));
        assertRefused(VolumeException.Kind.FUTURE_FORMAT, () -> catalog.find("a"));
        assertRefused(VolumeException.Kind.FUTURE_FORMAT, catalog::list);
    }

    @ParameterizedTest(name = "format {index}")
    @ValueSource(
            strings = {"", "fdb-nbd", "fdb-nbd\0", "fdb-nbd\0\1\0", "FDB-nbd\0\1", "fdb-nbd\0\0", "something else"})
    void aDamagedFormatIsNotTouched(String format) throws Exception {
        catalog.create(spec("a"));
        store.commit(new Batch().set(Keys.format(), format.getBytes(StandardCharsets.ISO_8859_1)));
        assertRefused(VolumeException.Kind.DAMAGED, () -> catalog.create(spec("b")));
        assertRefused(VolumeException.Kind.DAMAGED, () -> catalog.delete("a"));
        assertRefused(VolumeException.Kind.DAMAGED, catalog::list);
    }

    @Test
    void aDamagedRecordIsKept() throws Exception {
        catalog.create(spec("a"));
        byte[] record = Objects.requireNonNull(store.get(volumeKey("a")));
        for (int i = 0; i < record.length; i++) {
            byte[] damaged = record.clone();
            damaged[i] ^= 4;
            store.commit(new Batch().set(volumeKey("a"), damaged));
            // A record's version comes first: a larger one is not this program's to judge.
            VolumeException.Kind kind = i < 2 ? VolumeException.Kind.FUTURE_FORMAT : VolumeException.Kind.DAMAGED;
            VolumeException failure = assertRefused(kind, () -> catalog.find("a"));
            assertTrue(failure.getMessage().contains("'a'"), failure.getMessage());
            assertRefused(kind, () -> catalog.delete("a"));
            assertRefused(VolumeException.Kind.EXISTS, () -> catalog.create(spec("a")));
        }
        // The record of one volume under the name of another.
        store.commit(new Batch().set(volumeKey("b"), record).set(volumeKey("a"), record));
        assertRefused(VolumeException.Kind.DAMAGED, () -> catalog.find("b"));
    }

    @Test
    void aRecordThatCanNotBeReadHidesNoOther() throws Exception {
        VolumeInfo before = catalog.create(spec("a"));
        VolumeInfo after = catalog.create(spec("d"));
        byte[] future = Objects.requireNonNull(store.get(volumeKey("a"))).clone();
        future[1]++;
        store.commit(new Batch().set(volumeKey("b"), new byte[3]).set(volumeKey("c"), future));
        VolumeList list = catalog.list();
        assertEquals(List.of(before, after), list.volumes());
        assertEquals(
                List.of("b", "c"),
                list.unreadable().stream().map(VolumeList.Unreadable::name).toList());
        for (VolumeList.Unreadable bad : list.unreadable()) {
            VolumeException found = assertFails(bad.cause().kind(), () -> catalog.find(bad.name()));
            assertEquals(found.getMessage(), bad.cause().getMessage());
        }
    }

    @Test
    void noLayerIsGivenTwiceWhenItsRecordIsDamaged() throws Exception {
        catalog.create(spec("a"));
        for (byte[] next : List.of(new byte[0], new byte[3], new byte[4], new byte[] {-1, 0, 0, 0}, new byte[5])) {
            store.commit(new Batch().set(Keys.nextLayer(), next));
            assertRefused(VolumeException.Kind.DAMAGED, () -> catalog.create(spec("b")));
        }
        store.commit(new Batch().clear(Keys.nextLayer()));
        assertRefused(VolumeException.Kind.DAMAGED, () -> catalog.create(spec("b")));
    }

    @Test
    void failuresThatPassAreBorne() throws Exception {
        List<Fault> faults = new ArrayList<>();
        for (Kind kind : List.of(Kind.RETRYABLE, Kind.UNKNOWN_OUTCOME, Kind.UNRESOLVED_OUTCOME, Kind.GUARD_LOST)) {
            faults.add(Fault.fail(kind));
        }
        faults.add(Fault.appliedBut(Kind.UNKNOWN_OUTCOME));
        faults.add(Fault.appliedBut(Kind.UNRESOLVED_OUTCOME));
        for (Fault fault : faults) {
            store.onRead(Fault.fail(Kind.RETRYABLE)).onCommit(fault).onSync(Fault.fail(Kind.RETRYABLE));
            VolumeInfo created = catalog.create(spec("a"));
            store.onRead(Fault.fail(Kind.RETRYABLE));
            assertEquals(Optional.of(created), catalog.find("a"));
            store.onRead(Fault.fail(Kind.RETRYABLE));
            assertEquals(List.of(created), listed());
            store.onRead(Fault.fail(Kind.RETRYABLE)).onCommit(fault).onSync(Fault.fail(Kind.RETRYABLE));
            catalog.delete("a");
            assertEquals(List.of(), listed());
        }
    }

    @Test
    void failuresForGoodAreTold() throws Exception {
        store.onCommit(Fault.fail(Kind.NO_SPACE));
        assertRefused(VolumeException.Kind.NO_SPACE, () -> catalog.create(spec("a")));
        store.onCommit(Fault.fail(Kind.FATAL));
        assertRefused(VolumeException.Kind.IO, () -> catalog.create(spec("a")));
        catalog.create(spec("a"));
        store.onCommit(Fault.fail(Kind.FATAL));
        assertRefused(VolumeException.Kind.IO, () -> catalog.delete("a"));
        store.onRead(Fault.fail(Kind.FATAL));
        assertFails(VolumeException.Kind.IO, catalog::list);
    }

    @Test
    void everyoneWhoCreatesAtOnceGetsALayerOfItsOwn() throws Exception {
        int threads = 4;
        int each = 25;
        CountDownLatch start = new CountDownLatch(1);
        List<FutureTask<Integer>> tasks = new ArrayList<>();
        for (int thread = 0; thread < threads; thread++) {
            int me = thread;
            tasks.add(Rig.start(() -> {
                start.await();
                int won = 0;
                Catalog mine = new Catalog(store, InstantSource.system());
                for (int i = 0; i < each; i++) {
                    mine.create(spec("of " + me + ", " + i));
                    try {
                        mine.create(spec("of all, " + i));
                        won++;
                    } catch (VolumeException e) {
                        assertEquals(VolumeException.Kind.EXISTS, e.kind());
                    }
                }
                return won;
            }));
        }
        start.countDown();
        int won = 0;
        for (FutureTask<Integer> task : tasks) {
            won += task.get(Rig.DEADLINE_SECONDS, TimeUnit.SECONDS);
        }
        assertEquals(each, won);
        List<VolumeInfo> volumes = listed();
        assertEquals(threads * each + each, volumes.size());
        Set<Integer> layers = new HashSet<>();
        volumes.forEach(info -> assertTrue(layers.add(info.layer())));
    }

    @Test
    void aRecordIsAsItIsWritten() throws Exception {
        VolumeInfo info = new VolumeInfo("ä", 1L << 40, 4096, Compression.LZ4, NOW, 258);
        byte[] record = VolumeRecord.encode(info);
        byte[] known = {0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 16, 0, 1, 0, 0, 1, -117, -49, -27, 104, 123, 0, 0, 1, 2};
        assertArrayEquals(known, Arrays.copyOf(record, record.length - 4));
        byte[] name = "ä".getBytes(StandardCharsets.UTF_8);
        assertEquals(info, VolumeRecord.decode(name, record));
        byte[] older = record.clone();
        older[1] = 0;
        assertFails(VolumeException.Kind.DAMAGED, () -> VolumeRecord.decode(name, older));
        for (int length = 2; length < record.length; length++) {
            byte[] cut = Arrays.copyOf(record, length);
            assertFails(VolumeException.Kind.DAMAGED, () -> VolumeRecord.decode(name, cut));
        }
        assertFails(VolumeException.Kind.DAMAGED, () -> VolumeRecord.decode(name, new byte[0]));
        assertFails(VolumeException.Kind.DAMAGED, () -> VolumeRecord.decode(name, Arrays.copyOf(record, 32)));
    }

    @Test
    void namesAreUtf8OfOneTo255Bytes() throws Exception {
        for (String name : List.of("a", "ä".repeat(127) + "x", "x".repeat(255), "\uD83D\uDCBE", " ", "..", "a\\b\n")) {
            assertArrayEquals(name.getBytes(StandardCharsets.UTF_8), VolumeSpec.nameBytes(name));
            catalog.create(spec(name));
            assertEquals(name, catalog.find(name).orElseThrow().name());
        }
        for (String name :
                List.of("", "x".repeat(256), "ä".repeat(128), "\0", "a\0b", "/", "a/", "\uD83D", "\uDCBE\uD83D")) {
            assertFails(VolumeException.Kind.INVALID, () -> VolumeSpec.nameBytes(name));
        }
    }
}
