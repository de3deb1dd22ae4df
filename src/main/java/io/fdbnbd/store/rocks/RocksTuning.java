package io.fdbnbd.store.rocks;

import io.fdbnbd.util.Closer;
import java.io.IOException;
import org.rocksdb.BlockBasedTableConfig;
import org.rocksdb.BloomFilter;
import org.rocksdb.Cache;
import org.rocksdb.ChecksumType;
import org.rocksdb.CompressionType;
import org.rocksdb.InfoLogLevel;
import org.rocksdb.LRUCache;
import org.rocksdb.Options;
import org.rocksdb.Statistics;
import org.rocksdb.StatsLevel;
import org.rocksdb.WALRecoveryMode;
import org.rocksdb.WriteBufferManager;

/** RocksDB's settings for blocks of a few KiB written and read at random, and the native objects behind them. */
final class RocksTuning implements AutoCloseable {
    static final int MEMTABLES_MAX = 4;

    private static final int BACKGROUND_JOBS_MAX = 2;
    private static final double BLOOM_BITS_PER_KEY = 10;
    private static final int TABLE_FORMAT = 5;

    /** One value of the usual 4 KiB and its key fill a table block: a random read gets no neighbours it did not want. */
    private static final long TABLE_BLOCK_BYTES = 4 << 10;

    /** A table is written once this many ranges were cleared: each of them slows every read of what is in memory. */
    private static final int RANGE_CLEARS_IN_MEMTABLE_MAX = 1024;

    /**
     * Values from this size on are written once, into files of their own, and only keys are sorted and rewritten: sorting
     * 4 KiB values cost as much again as all else for random writes. Pages of the allocation map are smaller.
     */
    private static final long BLOB_BYTES_MIN = 1 << 10;

    private static final long BLOB_FILE_BYTES = 32L << 20;

    /**
     * What lives in the oldest tenth of those files is moved when its keys are sorted; where more than half of it is
     * dead, they are sorted for that. More would move blocks that are about to be overwritten, a third more writing in
     * all; with less, files that hold a few live blocks would stay for long.
     */
    private static final double BLOB_FILES_COLLECTED = 0.1;

    private static final double BLOB_GARBAGE_FORCED = 0.5;

    /** Sorting keys more often than this makes no read faster, and moves more blocks. */
    private static final int UNSORTED_TABLES_MAX = 8;

    private static final long LEVEL_BASE_BYTES = 256L << 20;
    private static final long TABLE_FILE_BYTES = 64L << 20;
    private static final long WAL_BYTES_MAX = 256L << 20;

    /** Written out as they grow, so that a sync, or a file's end, finds little left to write. */
    private static final long BYTES_PER_SYNC = 1 << 20;

    private static final long INFO_LOG_BYTES_MAX = 1 << 20;
    private static final int INFO_LOGS_KEPT = 3;
    private static final int OPEN_FILES_MAX = 512;

    private final Closer owned = new Closer();
    private final Options options;
    private final Statistics statistics;

    @SuppressWarnings("resource") // each is owned by the closer
    RocksTuning(RocksOptions chosen) {
        Cache cache = owned.register(new LRUCache(chosen.cacheBytes()));
        // Charged to the cache: many memtables push out blocks, instead of adding to them.
        WriteBufferManager memtables =
                owned.register(new WriteBufferManager(MEMTABLES_MAX * chosen.memtableBytes(), cache));
        BloomFilter bloom = owned.register(new BloomFilter(BLOOM_BITS_PER_KEY));
        statistics = owned.register(new Statistics());
        statistics.setStatsLevel(StatsLevel.EXCEPT_DETAILED_TIMERS);
        options = owned.register(new Options());
        BlockBasedTableConfig tables = new BlockBasedTableConfig()
                .setBlockCache(cache)
                .setBlockSize(TABLE_BLOCK_BYTES)
                .setFilterPolicy(bloom)
                .setFormatVersion(TABLE_FORMAT)
                // RocksDB's library for Java computes CRC-32C without the processor's instruction for it.
                .setChecksumType(ChecksumType.kXXH3)
                .setCacheIndexAndFilterBlocks(true)
                .setCacheIndexAndFilterBlocksWithHighPriority(true)
                .setPinL0FilterAndIndexBlocksInCache(true);
        setBlobs();
        options.setTableFormatConfig(tables)
                .setStatistics(statistics)
                .setWriteBufferManager(memtables)
                .setWriteBufferSize(chosen.memtableBytes())
                .setMaxWriteBufferNumber(MEMTABLES_MAX)
                .setMemtableMaxRangeDeletions(RANGE_CLEARS_IN_MEMTABLE_MAX)
                .setMaxBackgroundJobs(BACKGROUND_JOBS_MAX)
                .setMaxOpenFiles(OPEN_FILES_MAX)
                // Values come compressed, or in a form that does not compress.
                .setCompressionType(CompressionType.NO_COMPRESSION)
                .setBottommostCompressionType(CompressionType.NO_COMPRESSION)
                .setTargetFileSizeBase(TABLE_FILE_BYTES)
                .setMaxBytesForLevelBase(LEVEL_BASE_BYTES)
                .setLevel0FileNumCompactionTrigger(UNSORTED_TABLES_MAX)
                .setLevelCompactionDynamicLevelBytes(true)
                .setBytesPerSync(BYTES_PER_SYNC)
                .setWalBytesPerSync(BYTES_PER_SYNC)
                // Written over: a file system syncs what makes no file longer in half the time.
                .setRecycleLogFileNum(MEMTABLES_MAX);
        setSafety();
    }

    private void setBlobs() {
        options.setEnableBlobFiles(true)
                .setMinBlobSize(BLOB_BYTES_MIN)
                .setBlobFileSize(BLOB_FILE_BYTES)
                .setEnableBlobGarbageCollection(true)
                .setBlobGarbageCollectionAgeCutoff(BLOB_FILES_COLLECTED)
                .setBlobGarbageCollectionForceThreshold(BLOB_GARBAGE_FORCED);
    }

    private void setSafety() {
        options.setParanoidChecks(true)
                .setForceConsistencyChecks(true)
                // After a loss of power the log may end in holes where nothing was synced. This mode keeps what is
                // before the first hole, in order; others would refuse such a log, or carry on after the hole. It
                // would also keep quiet about damage to what was synced: SyncedMark is there to notice that.
                .setWalRecoveryMode(WALRecoveryMode.PointInTimeRecovery)
                .setMaxTotalWalSize(WAL_BYTES_MAX)
                .setInfoLogLevel(InfoLogLevel.INFO_LEVEL)
                .setMaxLogFileSize(INFO_LOG_BYTES_MAX)
                .setKeepLogFileNum(INFO_LOGS_KEPT)
                .setStatsDumpPeriodSec(0)
                .setStatsPersistPeriodSec(0);
    }

    Options options() {
        return options;
    }

    Statistics statistics() {
        return statistics;
    }

    @Override
    public void close() throws IOException {
        owned.close();
    }
}
