package io.fdbnbd.volume;

import static io.fdbnbd.volume.Rig.BLOCK;
import static io.fdbnbd.volume.Rig.assertFails;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fdbnbd.store.rocks.RocksStore;
import io.fdbnbd.store.rocks.SmallDisk;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What clients see of a RocksDB that is really harmed. */
class RocksVolumeFailureTest {
    private static final int BLOCKS = 1000;

    private static final int ROOM_BYTES = 16 << 20;
    private static final int BALLAST_BYTES = 64 << 20;

    @TempDir
    @SuppressWarnings("NullAway.Init")
    private Path directory;

    /** @param kind tables hold keys and small values, blob files the blocks */
    @ParameterizedTest
    @ValueSource(strings = {".sst", ".blob"})
    void aDamagedFileIsAnErrorOfWhatIsInItAndNeverData(String kind) throws Exception {
        try (Rig rig = Rig.on(RocksStore.open(directory.resolve("store")))) {
            rig.volume().write(0, ByteBuffer.wrap(noise(BLOCKS * BLOCK)), null);
            rig.flush();
        }
        // Recovery turns the log into a table and a file of blobs.
        RocksStore.open(directory.resolve("store")).close();
        damageTheMiddle(largest(kind));
        try (Rig rig = Rig.on(RocksStore.open(directory.resolve("store")))) {
            byte[] expected = noise(BLOCKS * BLOCK);
            int damaged = -1;
            for (int block = 0; block < BLOCKS; block++) {
                try {
                    assertTrue(isPart(expected, block, rig.read((long) block * BLOCK, BLOCK)), "block " + block);
                } catch (VolumeException e) {
                    assertEquals(VolumeException.Kind.IO, e.kind());
                    assertTrue(e.getMessage().contains("is damaged"), e.getMessage());
                    damaged = block;
                }
            }
            assertTrue(damaged >= 0, "the damage hit nothing");
            // Nobody was promised anything yet that could be broken.
            rig.write(0, BLOCK, 1);
            rig.flush();
            rig.write((long) damaged * BLOCK + 7, 7, 1);
            assertFails(VolumeException.Kind.IO, () -> rig.volume().flush());
            assertFails(VolumeException.Kind.IO, () -> rig.write(0, BLOCK, 2));
            rig.assertReads(1, 0, BLOCK);
            String reason = rig.volume().failure().orElseThrow().reason();
            assertTrue(reason.contains("is damaged"), reason);
        }
    }

    private static boolean isPart(byte[] whole, int block, byte[] content) {
        return ByteBuffer.wrap(whole, block * BLOCK, BLOCK).equals(ByteBuffer.wrap(content));
    }

    private Path largest(String kind) throws IOException {
        try (Stream<Path> files = Files.list(directory.resolve("store"))) {
            return files.filter(file -> file.toString().endsWith(kind))
                    .max(Comparator.comparingLong(file -> file.toFile().length()))
                    .orElseThrow();
        }
    }

    private static void damageTheMiddle(Path file) throws IOException {
        try (RandomAccessFile opened = new RandomAccessFile(file.toFile(), "rw")) {
            long middle = opened.length() / 2;
            opened.seek(middle);
            int value = opened.read();
            opened.seek(middle);
            opened.write(~value);
        }
    }

    private static byte[] noise(int length) {
        byte[] bytes = new byte[length];
        new Random(1).nextBytes(bytes);
        return bytes;
    }

    @Test
    @Tag("slow")
    void aFullDiskFailsTheVolumeUntilItIsAttachedAnew() throws Exception {
        try (SmallDisk disk = SmallDisk.mount(directory, ROOM_BYTES, BALLAST_BYTES);
                Rig rig = Rig.on(RocksStore.open(directory.resolve("store")))) {
            rig.write(0, BLOCK, 1);
            rig.flush();
            assertFails(VolumeException.Kind.IO, () -> {
                for (long offset = BLOCK; ; offset += 1 << 20) {
                    rig.volume().write(offset, ByteBuffer.wrap(noise(1 << 20)), null);
                    rig.volume().flush();
                }
            });
            rig.assertReads(1, 0, BLOCK);
            disk.throwOffBallast();
            assertFails(VolumeException.Kind.IO, () -> rig.volume().flush());
            String reason = rig.volume().failure().orElseThrow().reason();
            assertTrue(reason.contains("has no room left"), reason);
            rig.detach();
            attachOnceThereIsRoom(rig);
            rig.assertReads(1, 0, BLOCK);
        }
    }

    /** RocksDB looks for room every 5 seconds. */
    private static void attachOnceThereIsRoom(Rig rig) throws VolumeException {
        while (true) {
            try {
                rig.attach();
                return;
            } catch (VolumeException e) {
                assertEquals(VolumeException.Kind.NO_SPACE, e.kind(), e.getMessage());
                Thread.onSpinWait();
            }
        }
    }
}
