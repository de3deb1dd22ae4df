package io.fdbnbd.volume;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fdbnbd.store.Batch;
import io.fdbnbd.store.Store;
import io.fdbnbd.store.fdb.FdbCluster;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** A verification next to an owner that serves the volume, by versions of its own, in many small reads at once. */
@ExtendWith(FdbCluster.class)
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class FdbScrubTest {

    private static final int BLOCK = 4096;
    private static final int BLOCKS = 2000;
    private static final long PART_BYTES = 1 << 20;

    @Test
    void allBlocksAreReadAndDamageIsFound() throws Exception {
        Store store = FdbCluster.shared().openStore();
        VolumeSpec spec = new VolumeSpec(Rig.NAME, 1L << 40, BLOCK, Compression.NONE);
        try (Rig rig = new Rig(store, spec, Rig.options(AckMode.BUFFERED, 16 << 20))) {
            for (int i = 0; i < BLOCKS; i++) {
                rig.write((long) i * BLOCK, BLOCK, 7);
            }
            rig.write((1L << 40) - BLOCK, BLOCK, 7);
            rig.flush();
            assertEquals(List.of(), verify(rig));
            int layer = rig.volume().info().layer();
            store.commit(new Batch()
                    .set(Keys.data(layer, 1234), new byte[100])
                    .set(Keys.data(layer, 1L << 40), new byte[100]));
            assertEquals(List.of(1234L * BLOCK, -1L), verify(rig));
        }
    }

    private static List<Long> verify(Rig rig) throws Exception {
        Scrub scrub = rig.volumes.scrub(Rig.NAME);
        List<Long> offsets = new ArrayList<>();
        long blocks = 0;
        byte[] next = null;
        do {
            Scrub.Part part = scrub.verify(next, PART_BYTES);
            part.damages().forEach(damage -> offsets.add(damage.offset()));
            blocks += part.blocks();
            next = part.next();
        } while (next != null);
        assertTrue(blocks > BLOCKS, "blocks: " + blocks);
        return offsets;
    }
}
