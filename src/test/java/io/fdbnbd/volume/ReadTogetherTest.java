package io.fdbnbd.volume;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.fdbnbd.store.Batch;
import io.fdbnbd.store.FaultStore;
import io.fdbnbd.store.StoreException;
import io.fdbnbd.store.memory.MemoryStore;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Several reads in one of the store: each gets its own bytes, and its own failure. */
@Timeout(Rig.DEADLINE_SECONDS)
class ReadTogetherTest {

    private static final int BLOCKS = 64;
    private static final int BYTES = BLOCKS * Rig.BLOCK;

    private final FaultStore store = new FaultStore(new MemoryStore());

    @Test
    void readsThatOverlapInAnyWayEachGetTheirBytes() throws Exception {
        long seed = Long.getLong("fdbnbd.seed", 20261123);
        Random random = new Random(seed);
        try (Rig rig = Rig.on(store)) {
            byte[] model = new byte[BYTES];
            for (int round = 0; round < 300; round++) {
                change(rig, model, random);
                List<ByteBuffer> buffers = new ArrayList<>();
                List<RangeRead> reads = new ArrayList<>();
                List<Integer> offsets = new ArrayList<>();
                for (int i = random.nextInt(8); i >= 0; i--) {
                    int offset = random.nextInt(BYTES);
                    ByteBuffer buffer = ByteBuffer.allocate(random.nextInt(Math.min(BYTES - offset, 5 * Rig.BLOCK)));
                    buffers.add(buffer);
                    offsets.add(offset);
                    reads.add(new RangeRead(offset, buffer));
                }
                rig.volume().read(reads);
                for (int i = 0; i < reads.size(); i++) {
                    assertNull(reads.get(i).failure(), "seed " + seed);
                    byte[] bytes = buffers.get(i).array();
                    assertFalse(buffers.get(i).hasRemaining(), "seed " + seed);
                    assertArrayEquals(
                            Arrays.copyOfRange(model, offsets.get(i), offsets.get(i) + bytes.length),
                            bytes,
                            "seed " + seed + ", round " + round);
                }
            }
        }
    }

    /** Some blocks stored, some never written, some in the buffer whole or in part. */
    private static void change(Rig rig, byte[] model, Random random) throws VolumeException {
        int offset = random.nextInt(BYTES);
        byte[] data = new byte[random.nextInt(Math.min(BYTES - offset, 3 * Rig.BLOCK))];
        if (random.nextInt(4) > 0) {
            random.nextBytes(data);
            rig.volume().write(offset, ByteBuffer.wrap(data), null);
        } else {
            rig.volume().zero(offset, data.length, null);
        }
        System.arraycopy(data, 0, model, offset, data.length);
        if (random.nextInt(3) == 0) {
            rig.volume().flush();
        }
    }

    @Test
    void aDamagedBlockFailsTheReadsOfItAlone() throws Exception {
        try (Rig rig = Rig.on(store)) {
            byte[] data = new byte[3 * Rig.BLOCK];
            Arrays.fill(data, (byte) 5);
            rig.volume().write(0, ByteBuffer.wrap(data), null);
            rig.volume().flush();
            byte[] key = Keys.data(rig.info().layer(), 1);
            byte[] value = rig.stored(1).orElseThrow().clone();
            value[100] ^= 1;
            store.commit(new Batch().set(key, value));
            List<RangeRead> reads = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                reads.add(new RangeRead((long) i * Rig.BLOCK, ByteBuffer.allocate(Rig.BLOCK)));
            }
            rig.volume().read(reads);
            assertNull(reads.get(0).failure());
            assertEquals(VolumeException.Kind.DAMAGED, failureOf(reads.get(1)).kind());
            assertNull(reads.get(2).failure());
            assertEquals(5, reads.get(2).dst().get(7));
        }
    }

    @Test
    void aStoreThatFailsFailsAllThatItWasAskedFor() throws Exception {
        try (Rig rig = Rig.on(store)) {
            rig.volume().write(0, ByteBuffer.wrap(new byte[] {1}), null);
            rig.volume().flush();
            store.onRead(FaultStore.Fault.fail(StoreException.Kind.FATAL));
            List<RangeRead> reads = List.of(
                    new RangeRead(0, ByteBuffer.allocate(512)), new RangeRead(1 << 20, ByteBuffer.allocate(512)));
            rig.volume().read(reads);
            for (RangeRead read : reads) {
                assertEquals(VolumeException.Kind.IO, failureOf(read).kind());
            }
        }
    }

    private static VolumeException failureOf(RangeRead read) {
        VolumeException failure = read.failure();
        assertNotNull(failure);
        return failure;
    }
}
