package io.fdbnbd.volume;

import io.fdbnbd.store.Batch;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Which blocks of a volume have a value, stored apart from the values: pages of {@value #PAGE_BLOCKS} blocks with a bit
 * for each, an empty page absent. A batch that changes blocks changes their bits too, so that after whatever happened the
 * map says exactly which keys there are.
 *
 * <p>Bits are changed by operations that need not know the page, so transactions in flight may share one: they never
 * share a block, and so never a bit. Nothing has to be read, and nothing kept in memory for the map to be right; what is
 * kept here only spares saying again that an overwritten block is stored. Belongs to whoever has the committer's turn.
 */
final class AllocationMap {

    static final int PAGE_BLOCKS = 1024;
    static final int PAGE_BYTES = PAGE_BLOCKS / Byte.SIZE;

    /** The most counted bytes that one block adds to a batch. */
    static final long BLOCK_BYTES_COUNTED = Batch.countedSetBits(Keys.MAP_KEY_BYTES, PAGE_BYTES);

    /** What is known, in pages: 4 MiB of memory at most, for 64 GiB in blocks of 4 KiB. */
    private static final int KNOWN_PAGES_MAX = 16 << 10;

    private final int layer;
    private final long blockCount;

    /** Blocks stored for certain: in a batch launched from here, and no later one cleared them. */
    private final Map<Long, byte[]> known = new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Long, byte[]> eldest) {
            return size() > KNOWN_PAGES_MAX;
        }
    };

    AllocationMap(VolumeInfo info) {
        this.layer = info.layer();
        this.blockCount = info.blockCount();
    }

    /**
     * What one batch changes. Ranges first, then blocks, as in the batch itself. The batch must be launched: it is known
     * from here on.
     */
    final class Change {

        private final Map<Long, byte[]> stored = new TreeMap<>();
        private final Map<Long, byte[]> cleared = new TreeMap<>();

        /** Clears the blocks from {@code first} to {@code end}: whole pages in {@code batch} at once, the rest later. */
        void clear(long first, long end, Batch batch) {
            long firstWhole = Math.ceilDiv(first, PAGE_BLOCKS);
            long endWhole = end == blockCount ? Math.ceilDiv(end, PAGE_BLOCKS) : end / PAGE_BLOCKS;
            if (firstWhole < endWhole) {
                batch.clearRange(Keys.map(layer, firstWhole), Keys.map(layer, endWhole));
                forget(firstWhole, endWhole);
            }
            long edge = Math.min(end, firstWhole * PAGE_BLOCKS);
            for (long block = first; block < edge; block++) {
                clear(block);
            }
            for (long block = Math.max(edge, endWhole * PAGE_BLOCKS); block < end; block++) {
                clear(block);
            }
        }

        /** The block has no value any more. */
        void clear(long block) {
            put(cleared, block);
            byte[] page = known.get(block / PAGE_BLOCKS);
            if (page != null) {
                page[byteOf(block)] &= (byte) ~bitOf(block);
            }
        }

        /** The block has a value. */
        void store(long block) {
            byte[] page = known.computeIfAbsent(block / PAGE_BLOCKS, number -> new byte[PAGE_BYTES]);
            if ((page[byteOf(block)] & bitOf(block)) == 0) {
                page[byteOf(block)] |= bitOf(block);
                put(stored, block);
            }
        }

        /** What {@link #addTo} will add. */
        long countedBytes() {
            return stored.size() * Batch.countedSetBits(Keys.MAP_KEY_BYTES, PAGE_BYTES)
                    + cleared.size() * Batch.countedClearBits(Keys.MAP_KEY_BYTES, PAGE_BYTES);
        }

        /** Ends the batch. A block that was cleared with its range and then stored is stored. */
        void addTo(Batch batch) {
            cleared.forEach((page, bits) -> batch.clearBits(Keys.map(layer, page), bits));
            stored.forEach((page, bits) -> batch.setBits(Keys.map(layer, page), bits));
        }

        private void put(Map<Long, byte[]> pages, long block) {
            pages.computeIfAbsent(block / PAGE_BLOCKS, number -> new byte[PAGE_BYTES])[byteOf(block)] |= bitOf(block);
        }
    }

    Change change() {
        return new Change();
    }

    private void forget(long firstPage, long endPage) {
        if (endPage - firstPage < known.size()) {
            for (long page = firstPage; page < endPage; page++) {
                known.remove(page);
            }
        } else {
            known.keySet().removeIf(page -> page >= firstPage && page < endPage);
        }
    }

    private static int byteOf(long block) {
        return (int) (block % PAGE_BLOCKS) / Byte.SIZE;
    }

    private static byte bitOf(long block) {
        return (byte) (1 << block % Byte.SIZE);
    }

    /** The blocks that {@code bits} calls stored. */
    static List<BlockRuns.Part> storedOf(long page, byte[] bits) {
        List<BlockRuns.Part> parts = new ArrayList<>();
        BitSet set = BitSet.valueOf(bits);
        for (int from = set.nextSetBit(0); from >= 0; ) {
            int to = set.nextClearBit(from);
            parts.add(new BlockRuns.Part(page * PAGE_BLOCKS + from, page * PAGE_BLOCKS + to, true));
            from = set.nextSetBit(to);
        }
        return parts;
    }
}
