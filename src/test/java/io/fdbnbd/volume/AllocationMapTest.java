package io.fdbnbd.volume;

import static io.fdbnbd.volume.Rig.BLOCK;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fdbnbd.store.Batch;
import io.fdbnbd.store.FaultStore.Fault;
import io.fdbnbd.store.StoreException.Kind;
import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;
import java.util.concurrent.CountDownLatch;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What is known of a volume's blocks without reading them. The random runs hold the map against the keys, too. */
class AllocationMapTest {
    private static final long PAGE = AllocationMap.PAGE_BLOCKS;
    private static final long PAGE_BYTES = PAGE * BLOCK;

    private final WatchedStore store = new WatchedStore();

    @SuppressWarnings("NullAway.Init")
    private Rig rig;

    @BeforeEach
    void open() throws Exception {
        rig = Rig.on(store);
        store.watch(rig.info().layer());
    }

    @AfterEach
    void close() throws Exception {
        rig.close();
    }

    private void assertStored(LongStream... blocks) throws Exception {
        rig.flush();
        TreeSet<Long> expected = new TreeSet<>();
        for (LongStream some : blocks) {
            some.forEach(expected::add);
        }
        StoredBlocks.assertMapped(expected, rig.store, rig.info());
        StoredBlocks.check(rig.store, rig.info());
    }

    // The map

    @Test
    void blocksAreMarkedAsTheyAreStored() throws Exception {
        assertStored();
        rig.write(5 * BLOCK, 3 * BLOCK, 1);
        rig.write(100 * BLOCK + 10, 1, 1);
        assertStored(LongStream.range(5, 8), LongStream.of(100));
        rig.write(6 * BLOCK, BLOCK, 0);
        assertStored(LongStream.of(5, 7, 100));
    }

    @Test
    void rangesAreClearedUpToTheLastBlockOfTheirPages() throws Exception {
        long[][] ranges = {
            {0, PAGE},
            {PAGE, 2 * PAGE},
            {PAGE - 1, 2 * PAGE + 1},
            {PAGE + 1, 2 * PAGE - 1},
            {PAGE - 10, PAGE + 10},
            {1, 4 * PAGE}
        };
        for (long[] range : ranges) {
            rig.write(0, (int) (5 * PAGE_BYTES), 1);
            rig.flush();
            rig.volume().zero(range[0] * BLOCK, (range[1] - range[0]) * BLOCK, null);
            assertStored(LongStream.range(0, range[0]), LongStream.range(range[1], 5 * PAGE));
        }
        rig.volume().zero(0, Rig.SIZE, null);
        assertStored();
    }

    @Test
    void aBlockThatIsWrittenIntoARangeClearedInTheSameTransactionIsStored() throws Exception {
        rig.write(0, 64 * BLOCK, 1);
        rig.flush();
        CountDownLatch hold = new CountDownLatch(1);
        CountDownLatch reached = new CountDownLatch(1);
        store.faults().onCommit(Fault.delay(hold, reached));
        rig.write(Rig.SIZE - BLOCK, BLOCK, 1);
        Rig.await(reached);
        rig.volume().zero(0, 3 * PAGE_BYTES, null);
        rig.write(10 * BLOCK, BLOCK, 2);
        rig.write(PAGE_BYTES, BLOCK, 2);
        hold.countDown();
        assertStored(LongStream.of(10, PAGE, Rig.SIZE / BLOCK - 1));
    }

    @Test
    void aCommitThatIsRepeatedChangesNothingMore() throws Exception {
        for (Kind kind : List.of(Kind.UNKNOWN_OUTCOME, Kind.UNRESOLVED_OUTCOME)) {
            store.faults().onCommit(Fault.appliedBut(kind), Fault.fail(Kind.RETRYABLE));
            rig.write(0, 3 * BLOCK, 1);
            assertStored(LongStream.range(0, 3));
            store.faults().onCommit(Fault.appliedBut(kind), Fault.fail(Kind.RETRYABLE));
            rig.volume().zero(BLOCK, BLOCK, null);
            assertStored(LongStream.of(0, 2));
        }
    }

    @Test
    void overwritingWhatIsStoredCostsNothingMore() throws Exception {
        rig.write(0, 10 * BLOCK, 1);
        rig.flush();
        int before = store.bitChanges();
        rig.write(0, 10 * BLOCK, 2);
        rig.flush();
        assertEquals(before, store.bitChanges());
        // Of what the owner before has stored, it has to be said once.
        rig.detach();
        rig.attach();
        rig.write(0, 10 * BLOCK, 3);
        rig.flush();
        rig.write(5 * BLOCK, 2 * BLOCK, 4);
        rig.flush();
        assertEquals(before + 1, store.bitChanges());
        assertStored(LongStream.range(0, 10));
    }

    @Test
    void aBlockThatWasClearedIsMarkedAgain() throws Exception {
        for (int i = 1; i < 4; i++) {
            rig.write(0, 20 * BLOCK, i);
            assertStored(LongStream.range(0, 20));
            rig.volume().zero(0, 10 * BLOCK, null);
            assertStored(LongStream.range(10, 20));
            rig.write(10 * BLOCK, BLOCK, 0);
            assertStored(LongStream.range(11, 20));
        }
    }

    @Test
    void aDeletedVolumeLeavesNoMap() throws Exception {
        rig.write(0, 3 * BLOCK, 1);
        rig.flush();
        VolumeInfo info = rig.info();
        rig.detach();
        rig.volumes.catalog().delete(Rig.NAME);
        assertTrue(StoredBlocks.mapped(rig.store, info).isEmpty());
        rig.volumes.catalog().create(new VolumeSpec(Rig.NAME, Rig.SIZE, BLOCK, Compression.NONE));
        rig.attach();
    }

    // Extents

    @Test
    void extentsAreExactInTheBufferAndInTheStore() throws Exception {
        for (boolean flushed : new boolean[] {false, true}) {
            rig.write(3 * BLOCK + 5, 2 * BLOCK, 1);
            if (flushed) {
                rig.flush();
            }
            assertEquals(
                    List.of(
                            new Extent(3 * BLOCK, false),
                            new Extent(3 * BLOCK, true),
                            new Extent(Rig.SIZE - 6 * BLOCK, false)),
                    rig.volume().extents(0, Rig.SIZE));
            assertEquals(
                    List.of(new Extent(BLOCK - 1, true), new Extent(7, false)),
                    rig.volume().extents(5 * BLOCK + 1, BLOCK + 6));
            assertEquals(List.of(new Extent(1, true)), rig.volume().extents(4 * BLOCK + 1, 1));
        }
        rig.volume().zero(4 * BLOCK, 32 * BLOCK, null);
        assertEquals(
                List.of(new Extent(BLOCK, true), new Extent(BLOCK, false)),
                rig.volume().extents(3 * BLOCK, 2 * BLOCK));
    }

    @Test
    void anEmptyVolumeIsOneExtentAndOneRead() throws Exception {
        int reads = store.readCount();
        assertEquals(List.of(new Extent(Rig.SIZE, false)), rig.volume().extents(0, Rig.SIZE));
        assertEquals(reads + 1, store.readCount());
    }

    @Test
    void aLongAnswerEndsWhereItsPagesDo() throws Exception {
        VolumeInfo info = rig.info();
        byte[] full = new byte[AllocationMap.PAGE_BYTES];
        Arrays.fill(full, (byte) 0xff);
        Batch batch = new Batch();
        // More than there can be of this volume, whose last block would be in page 255.
        for (long page = 0; page < 300; page++) {
            batch.setBits(Keys.map(info.layer(), page), full);
        }
        store.commit(batch);
        assertEquals(List.of(new Extent(Rig.SIZE, true)), rig.volume().extents(0, Rig.SIZE));
        store.commit(new Batch().clearRange(Keys.map(info.layer(), 0), Keys.map(info.layer(), -1L)));
    }
}
