package io.fdbnbd.volume;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fdbnbd.store.KeyRange;
import io.fdbnbd.store.Store;
import io.fdbnbd.store.fdb.FdbCluster;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** What must not cost more for a large volume than for a small one: a loop over its blocks would not end here. */
@ExtendWith(FdbCluster.class)
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class FdbTebibyteTest {

    private static final long TEBIBYTE = 1L << 40;
    private static final int BLOCK = 4096;

    @Test
    void aTebibyteIsCreatedTrimmedAndDeletedAtOnce() throws Exception {
        Store store = FdbCluster.shared().openStore();
        VolumeSpec spec = new VolumeSpec(Rig.NAME, TEBIBYTE, BLOCK, Compression.LZ4);
        try (Rig rig = new Rig(store, spec, Rig.options(AckMode.BUFFERED, 8 << 20))) {
            for (long offset : new long[] {0, 1L << 31, 1L << 32, TEBIBYTE / 2, TEBIBYTE - BLOCK}) {
                rig.write(offset, BLOCK, 7);
            }
            rig.flush();
            assertEquals(5, rows(store));
            rig.volume().zero(BLOCK, TEBIBYTE - 2 * BLOCK, null);
            rig.flush();
            assertEquals(2, rows(store));
            assertArrayEquals(new byte[BLOCK], rig.read(1L << 32, BLOCK));
            assertEquals(7, rig.read(TEBIBYTE - BLOCK, BLOCK)[0]);
            rig.detach();
            rig.volumes.delete(Rig.NAME);
            assertEquals(0, rows(store));
            assertTrue(rig.volumes.catalog().list().volumes().isEmpty());
        }
    }

    private static int rows(Store store) throws Exception {
        AtomicInteger rows = new AtomicInteger();
        byte[] begin = {'D'};
        store.read(
                null, List.of(new KeyRange(begin, new byte[] {'D' + 1}, 100)), (key, value) -> rows.incrementAndGet());
        return rows.get();
    }
}
