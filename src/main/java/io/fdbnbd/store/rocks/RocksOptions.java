package io.fdbnbd.store.rocks;

import static io.fdbnbd.util.Checks.checkArgument;

/**
 * What of RocksDB's settings depends on the machine. The defaults keep the whole process below 512 MiB; everything else
 * is in {@link RocksTuning}.
 *
 * @param cacheBytes memory for blocks read, with their indexes and filters, and for memtables: one bound for all
 * @param memtableBytes size at which a memtable is written out; up to {@link RocksTuning#MEMTABLES_MAX} exist at once
 * @param ioThreads threads of {@link RocksStore#executor}: how many calls may wait for the disk at the same time
 */
public record RocksOptions(long cacheBytes, long memtableBytes, int ioThreads) {
    private static final long CACHE_BYTES_DEFAULT = 128L << 20;
    private static final long MEMTABLE_BYTES_DEFAULT = 16L << 20;
    private static final int IO_THREADS_DEFAULT = 16;

    public static final RocksOptions DEFAULTS =
            new RocksOptions(CACHE_BYTES_DEFAULT, MEMTABLE_BYTES_DEFAULT, IO_THREADS_DEFAULT);

    public RocksOptions {
        checkArgument(memtableBytes >= 1 << 20, "memtableBytes must be at least 1 MiB");
        checkArgument(
                cacheBytes >= RocksTuning.MEMTABLES_MAX * memtableBytes, "cacheBytes must have room for all memtables");
        checkArgument(ioThreads >= 1, "ioThreads must be at least 1");
    }
}
