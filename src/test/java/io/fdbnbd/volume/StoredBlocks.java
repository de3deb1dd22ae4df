package io.fdbnbd.volume;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fdbnbd.store.KeyRange;
import io.fdbnbd.store.Store;
import io.fdbnbd.store.StoreException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Looks at what a volume left in its store. */
final class StoredBlocks {

    private StoredBlocks() {}

    /** Every value decodes, none is all zeroes, and none has anything outside of the volume. */
    static void check(Store store, VolumeInfo info) throws Exception {
        BlockCodec codec = new BlockCodec(info.layer(), info.blockBytes(), info.compression());
        Geometry geometry = new Geometry(info.sizeBytes(), info.blockBytes());
        for (byte[][] row : rows(store, info)) {
            long block = Keys.blockOf(row[0]);
            assertTrue(block < info.blockCount(), "block " + block + " is outside of the volume");
            ByteBuffer plain = ByteBuffer.allocate(info.blockBytes());
            codec.decode(block, row[1], 0, info.blockBytes(), plain, 0);
            int content = geometry.contentBytes(block);
            byte[] tail = Arrays.copyOfRange(plain.array(), content, info.blockBytes());
            assertEquals(-1, firstNonZero(tail), "bytes behind the end of the volume");
            assertTrue(firstNonZero(plain.array()) >= 0, "block " + block + " is stored though it is all zeroes");
        }
    }

    private static int firstNonZero(byte[] bytes) {
        for (int i = 0; i < bytes.length; i++) {
            if (bytes[i] != 0) {
                return i;
            }
        }
        return -1;
    }

    private static List<byte[][]> rows(Store store, VolumeInfo info) throws StoreException, VolumeException {
        KeyRange all = new KeyRange(Keys.data(info.layer(), 0), Keys.data(info.layer(), -1L), Integer.MAX_VALUE);
        return Attempts.repeat(100, new Rig.Impatient(), () -> {
            List<byte[][]> rows = new ArrayList<>();
            store.read(null, List.of(all), (key, value) -> rows.add(new byte[][] {key, value}));
            return rows;
        });
    }
}
