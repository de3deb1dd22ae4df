package io.fdbnbd.store.rocks;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fdbnbd.store.Batch;
import io.fdbnbd.store.Bytes;
import io.fdbnbd.store.StoreException;
import io.fdbnbd.store.StoreException.Kind;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What comes back, and what happens if it does not. */
class RocksDurabilityTest {
    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path directory;

    @Test
    void whatWasCommittedIsThereAfterAReopen() throws Exception {
        for (int i = 0; i < 5; i++) {
            try (RocksStore store = RocksStore.open(directory)) {
                assertEquals(i, written(store));
                write(store, i);
            }
        }
    }

    @Test
    void whatWasSyncedSurvivesKill9() throws Exception {
        try (Holder holder = Holder.start(directory, true)) {
            holder.kill();
        }
        try (RocksStore store = RocksStore.open(directory)) {
            assertEquals(Holder.BATCHES, written(store));
        }
    }

    @Test
    void whatWasCommittedAndNotSyncedSurvivesKill9OfTheProcessToo() throws Exception {
        try (Holder holder = Holder.start(directory, false)) {
            holder.kill();
        }
        try (RocksStore store = RocksStore.open(directory)) {
            assertEquals(Holder.BATCHES, written(store));
        }
    }

    @Test
    void aLogTornAfterTheLastSyncComesBackUpToTheTear() throws Exception {
        try (RocksStore store = RocksStore.open(directory)) {
            write(store, 0);
            store.sync();
            write(store, 1);
            write(store, 2);
        }
        Path log = log();
        try (FileChannel file = FileChannel.open(log, StandardOpenOption.WRITE)) {
            file.truncate(file.size() - 10);
        }
        try (RocksStore store = RocksStore.open(directory)) {
            assertEquals(2, written(store));
        }
    }

    @Test
    void aHoleAfterTheLastSyncHidesAllThatFollowsIt() throws Exception {
        try (RocksStore store = RocksStore.open(directory)) {
            write(store, 0);
            store.sync();
            write(store, 1);
            write(store, 2);
        }
        damage(log(), 15_000);
        try (RocksStore store = RocksStore.open(directory)) {
            assertEquals(1, written(store));
            assertNull(store.get(Bytes.ofLong(2)));
            write(store, 1);
            store.sync();
        }
        try (RocksStore store = RocksStore.open(directory)) {
            assertEquals(2, written(store));
        }
    }

    @Test
    void damageToWhatWasSyncedIsNotPassedOver() throws Exception {
        try (RocksStore store = RocksStore.open(directory)) {
            write(store, 0);
            write(store, 1);
            store.sync();
        }
        Path log = log();
        byte[] before = Files.readAllBytes(log);
        damage(log, 5_000);
        for (int attempt = 0; attempt < 2; attempt++) {
            StoreException refusal = assertThrows(StoreException.class, () -> RocksStore.open(directory));
            assertEquals(Kind.FATAL, refusal.kind());
            assertTrue(String.valueOf(refusal.getMessage()).contains("is damaged"), refusal.getMessage());
        }
        // The log is still there for whoever can repair it.
        damage(log, 5_000);
        assertArrayEquals(before, Files.readAllBytes(log));
        try (RocksStore store = RocksStore.open(directory)) {
            assertEquals(2, written(store));
        }
    }

    @Test
    void aMissingListOfFilesIsDamageAndNotANewStore() throws Exception {
        try (RocksStore store = RocksStore.open(directory)) {
            write(store, 0);
        }
        Files.delete(directory.resolve("CURRENT"));
        StoreException refusal = assertThrows(StoreException.class, () -> RocksStore.open(directory));
        assertTrue(String.valueOf(refusal.getMessage()).contains("is damaged"), refusal.getMessage());
    }

    @Test
    void onlySyncsSyncTheLog() throws Exception {
        try (RocksStore store = RocksStore.open(directory)) {
            long before = store.syncCount();
            for (int i = 0; i < 10; i++) {
                write(store, i);
            }
            assertEquals(before, store.syncCount());
            store.sync();
            assertEquals(before + 1, store.syncCount());
        }
    }

    private static void write(RocksStore store, int number) throws StoreException {
        store.commit(new Batch().set(Bytes.ofLong(number), Bytes.ofLength(10_000)));
    }

    /** How many of the numbers from 0 are there, without a gap. */
    private static int written(RocksStore store) throws StoreException {
        int count = 0;
        while (true) {
            byte[] value = store.get(Bytes.ofLong(count));
            if (value == null) {
                return count;
            }
            assertArrayEquals(Bytes.ofLength(10_000), value);
            count++;
        }
    }

    private Path log() throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.filter(file -> file.toString().endsWith(".log"))
                    .max(Path::compareTo)
                    .orElseThrow();
        }
    }

    /** Turns the bits of one byte around; doing it twice undoes it. */
    private static void damage(Path file, long offset) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            ByteBuffer one = ByteBuffer.allocate(1);
            channel.read(one, offset);
            one.put(0, (byte) ~one.get(0)).flip();
            channel.write(one, offset);
        }
    }
}
