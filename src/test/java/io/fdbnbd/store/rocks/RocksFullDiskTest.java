package io.fdbnbd.store.rocks;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fdbnbd.store.Batch;
import io.fdbnbd.store.Bytes;
import io.fdbnbd.store.StoreException;
import io.fdbnbd.store.StoreException.Kind;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A file system that is really full, where this user may mount one. */
@Tag("slow")
class RocksFullDiskTest {
    /** The log meets the end of the disk before a memtable is full, the harder of the two cases for RocksDB. */
    private static final int ROOM_FOR_THE_LOG_BYTES = 10 << 20;

    private static final int BALLAST_BYTES = 40 << 20;
    private static final int VALUE_BYTES = 100_000;

    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path path;

    @Test
    void aFullDiskRefusesWritesUntilThereIsRoomAndLosesNothing() throws Exception {
        try (SmallDisk disk = SmallDisk.mount(path, ROOM_FOR_THE_LOG_BYTES, BALLAST_BYTES)) {
            fillAndMakeRoom(disk);
        }
    }

    private void fillAndMakeRoom(SmallDisk disk) throws IOException {
        Path directory = path.resolve("store");
        int committed;
        try (RocksStore store = RocksStore.open(directory)) {
            committed = fill(store);
            for (int i = 0; i < 2; i++) {
                assertFull(() -> write(store, Integer.MAX_VALUE));
                assertFull(store::sync);
            }
            check(store, committed);
            disk.throwOffBallast();
            awaitRoom(store);
            write(store, committed);
            store.sync();
        }
        try (RocksStore store = RocksStore.open(directory)) {
            check(store, committed + 1);
        }
    }

    private interface Call {
        void run() throws StoreException;
    }

    private static void assertFull(Call call) {
        StoreException refusal = assertThrows(StoreException.class, call::run);
        assertEquals(Kind.NO_SPACE, refusal.kind(), refusal.getMessage());
        assertTrue(String.valueOf(refusal.getMessage()).contains("has no room left"), refusal.getMessage());
    }

    /** Writes until the disk is full, and returns how often that went well. */
    private static int fill(RocksStore store) throws StoreException {
        int committed = 0;
        while (true) {
            try {
                write(store, committed);
            } catch (StoreException e) {
                assertEquals(Kind.NO_SPACE, e.kind(), e.getMessage());
                return committed;
            }
            committed++;
        }
    }

    /** RocksDB looks for room every 5 seconds; a sync tells whether it has found any. */
    private static void awaitRoom(RocksStore store) throws StoreException {
        while (true) {
            try {
                store.sync();
                return;
            } catch (StoreException e) {
                assertEquals(Kind.NO_SPACE, e.kind(), e.getMessage());
                Thread.onSpinWait();
            }
        }
    }

    private static void write(RocksStore store, int number) throws StoreException {
        store.commit(new Batch().set(Bytes.ofLong(number), Bytes.ofLength(VALUE_BYTES)));
    }

    private static void check(RocksStore store, int committed) throws StoreException {
        for (int i = 0; i < committed; i++) {
            assertArrayEquals(Bytes.ofLength(VALUE_BYTES), store.get(Bytes.ofLong(i)));
        }
        assertArrayEquals(null, store.get(Bytes.ofLong(committed)));
    }
}
