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
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.LongStream;

/** Looks at what a volume left in its store. */
final class StoredBlocks {

    private StoredBlocks() {}

    /**
     * Every value decodes, none is all zeroes, and none has anything outside of the volume; and the allocation map says
     * of every block whether it is there.
     */
    static void check(Store store, VolumeInfo info) throws Exception {
        BlockCodec codec = new BlockCodec(info.layer(), info.blockBytes(), info.compression());
        Geometry geometry = new Geometry(info.sizeBytes(), info.blockBytes());
        TreeSet<Long> stored = new TreeSet<>();
        for (byte[][] row : rows(store, Keys.data(info.layer(), 0), Keys.data(info.layer(), -1L))) {
            long block = Keys.blockOf(row[0]);
            stored.add(block);
            assertTrue(block < info.blockCount(), "block " + block + " is outside of the volume");
            ByteBuffer plain = ByteBuffer.allocate(info.blockBytes());
            codec.decode(block, row[1], 0, info.blockBytes(), plain, 0);
            int content = geometry.contentBytes(block);
            byte[] tail = Arrays.copyOfRange(plain.array(), content, info.blockBytes());
            assertEquals(-1, firstNonZero(tail), "bytes behind the end of the volume");
            assertTrue(firstNonZero(plain.array()) >= 0, "block " + block + " is stored though it is all zeroes");
        }
        assertMapped(stored, store, info);
    }

    /** The allocation map calls these blocks stored, and no others. */
    static void assertMapped(Set<Long> stored, Store store, VolumeInfo info) throws Exception {
        Set<Long> mapped = mapped(store, info);
        TreeSet<Long> wrong = new TreeSet<>(stored);
        wrong.removeAll(mapped);
        mapped.stream().filter(block -> !stored.contains(block)).forEach(wrong::add);
        assertTrue(
                wrong.isEmpty(),
                () -> "the allocation map is wrong about " + wrong.size() + " blocks of " + stored.size()
                        + ", first about " + wrong.first());
    }

    /** The blocks that the allocation map calls stored. */
    static Set<Long> mapped(Store store, VolumeInfo info) throws Exception {
        TreeSet<Long> mapped = new TreeSet<>();
        for (byte[][] row : rows(store, Keys.map(info.layer(), 0), Keys.map(info.layer(), -1L))) {
            assertEquals(AllocationMap.PAGE_BYTES, row[1].length, "a page's length");
            assertTrue(firstNonZero(row[1]) >= 0, "an empty page is stored");
            for (BlockRuns.Part part : AllocationMap.storedOf(Keys.pageOf(row[0]), row[1])) {
                LongStream.range(part.first(), part.end()).forEach(mapped::add);
            }
        }
        return mapped;
    }

    private static int firstNonZero(byte[] bytes) {
        for (int i = 0; i < bytes.length; i++) {
            if (bytes[i] != 0) {
                return i;
            }
        }
        return -1;
    }

    private static List<byte[][]> rows(Store store, byte[] begin, byte[] end) throws StoreException, VolumeException {
        KeyRange all = new KeyRange(begin, end, Integer.MAX_VALUE);
        return Attempts.repeat(100, new Rig.Impatient(), () -> {
            List<byte[][]> rows = new ArrayList<>();
            store.read(null, List.of(all), (key, value) -> rows.add(new byte[][] {key, value}));
            return rows;
        });
    }
}
