package io.fdbnbd.store.rocks;

import io.fdbnbd.store.Batch;
import io.fdbnbd.store.Guard;
import io.fdbnbd.store.KeyRange;
import io.fdbnbd.store.RowVisitor;
import io.fdbnbd.store.Store;
import io.fdbnbd.store.StoreException;
import io.fdbnbd.store.StoreLimits;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.Executor;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A RocksDB store whose directory can be had as the machine's loss of power would leave it, at any moment.
 *
 * <p>A log is only ever appended to, so what a sync covers of it is a prefix: at least the length that it had when the
 * sync began. That is noted when RocksDB itself has counted the sync, and everything behind it is thrown away, kept in
 * part, or replaced by what stands in a file whose length was written and whose bytes were not. The length at the
 * beginning is less than what was synced if others commit meanwhile: more is lost here than would be.
 *
 * <p>Not covered: tables, their list and CURRENT are taken as they are, since RocksDB syncs them before it relies on
 * them and that is not repeated here; that its count of syncs is one of calls to the system; and disks that lie.
 */
public final class PowerLossStore implements Store {

    /** What becomes of the bytes of a log that were not synced. */
    public enum Loss {
        /** They are there: the process died, and the machine did not. */
        NONE,
        /** Gone, and with them logs of which nothing was synced. */
        ALL,
        /** There up to some byte. */
        TAIL,
        /** Zeroes. */
        ZEROED,
        /** Page by page there, or zeroes. */
        PAGES
    }

    private static final int PAGE_BYTES = 4096;
    private static final int COPY_ATTEMPTS_MAX = 1000;

    private final Path directory;
    private final RocksStore under;

    /** Commits and syncs share it; a copy has it alone. */
    private final ReentrantReadWriteLock lock = new ReentrantReadWriteLock(true);

    // Written by the one thread that syncs.
    private volatile Map<String, Long> syncedBytes;

    private PowerLossStore(Path directory, RocksStore under, Map<String, Long> syncedBytes) {
        this.directory = directory;
        this.under = under;
        this.syncedBytes = syncedBytes;
    }

    /** Opens a directory, with memtables so small that logs and tables come and go. What is in it counts as synced. */
    public static PowerLossStore open(Path directory) throws IOException {
        Files.createDirectories(directory);
        Map<String, Long> logs = logs(directory);
        return new PowerLossStore(directory, RocksStore.open(directory, new RocksOptions(8 << 20, 1 << 20, 2)), logs);
    }

    private static Map<String, Long> logs(Path directory) throws IOException {
        Map<String, Long> lengths = lengths(directory);
        lengths.keySet().removeIf(name -> !name.endsWith(".log"));
        return lengths;
    }

    private static Map<String, Long> lengths(Path directory) throws IOException {
        Map<String, Long> lengths = new TreeMap<>();
        try (Stream<Path> files = Files.list(directory)) {
            for (Path file : files.toList()) {
                try {
                    lengths.put(file.getFileName().toString(), Files.size(file));
                } catch (NoSuchFileException e) {
                    // Not needed any more, and deleted just now.
                }
            }
        }
        return lengths;
    }

    /** Makes what a loss of power now would leave. {@code target} must not exist. */
    public void copyAfter(Loss loss, Path target, Random random) throws IOException {
        lock.writeLock().lock();
        try {
            copyTo(target);
        } finally {
            lock.writeLock().unlock();
        }
        for (Map.Entry<String, Long> log : logs(target).entrySet()) {
            long synced = syncedBytes.getOrDefault(log.getKey(), 0L);
            lose(loss, target.resolve(log.getKey()), Math.min(synced, log.getValue()), random);
        }
    }

    /** RocksDB's own work goes on: so again, until nothing has changed meanwhile. */
    private void copyTo(Path target) throws IOException {
        for (int attempt = 0; attempt < COPY_ATTEMPTS_MAX; attempt++) {
            Map<String, Long> before = lengths(directory);
            Files.createDirectories(target);
            try {
                for (String name : before.keySet()) {
                    Files.copy(directory.resolve(name), target.resolve(name));
                }
                if (lengths(directory).equals(before) && lengths(target).equals(before)) {
                    return;
                }
            } catch (NoSuchFileException e) {
                // As if it had changed.
            }
            delete(target);
        }
        throw new IOException(directory + " does not come to rest");
    }

    /** Deletes a directory of files. */
    public static void delete(Path directory) throws IOException {
        for (String name : lengths(directory).keySet()) {
            Files.deleteIfExists(directory.resolve(name));
        }
        Files.delete(directory);
    }

    private static void lose(Loss loss, Path log, long synced, Random random) throws IOException {
        try (FileChannel file = FileChannel.open(log, StandardOpenOption.WRITE)) {
            long end = file.size();
            switch (loss) {
                case NONE -> {}
                case ALL -> file.truncate(synced);
                case TAIL -> file.truncate(synced + random.nextLong(end - synced + 1));
                case ZEROED -> zero(file, synced, end);
                case PAGES -> {
                    for (long at = synced; at < end; at = (at / PAGE_BYTES + 1) * PAGE_BYTES) {
                        if (random.nextBoolean()) {
                            zero(file, at, Math.min(end, (at / PAGE_BYTES + 1) * PAGE_BYTES));
                        }
                    }
                }
            }
        }
        if (loss == Loss.ALL && synced == 0) {
            Files.delete(log);
        }
    }

    private static void zero(FileChannel file, long from, long to) throws IOException {
        file.write(ByteBuffer.allocate((int) (to - from)), from);
    }

    /** One thread at a time. */
    @Override
    public void sync() throws StoreException {
        lock.readLock().lock();
        try {
            Map<String, Long> before = logs(directory);
            long count = under.syncCount();
            under.sync();
            if (under.syncCount() > count) {
                syncedBytes = before;
            }
        } catch (StoreException e) {
            throw e;
        } catch (IOException e) {
            throw new StoreException(StoreException.Kind.FATAL, "the logs cannot be listed: " + e.getMessage(), e);
        } finally {
            lock.readLock().unlock();
        }
    }

    @Override
    public void commit(Batch batch) throws StoreException {
        lock.readLock().lock();
        try {
            under.commit(batch);
        } finally {
            lock.readLock().unlock();
        }
    }

    @Override
    public void read(@Nullable Guard guard, List<KeyRange> ranges, RowVisitor visitor) throws StoreException {
        under.read(guard, ranges, visitor);
    }

    @Override
    public boolean tryRead(@Nullable Guard guard, List<KeyRange> ranges, RowVisitor visitor) throws StoreException {
        return under.tryRead(guard, ranges, visitor);
    }

    @Override
    public StoreLimits limits() {
        return under.limits();
    }

    @Override
    public Executor executor() {
        return under.executor();
    }

    @Override
    public void close() throws StoreException {
        under.close();
    }
}
