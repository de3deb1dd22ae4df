package io.fdbnbd.store.rocks;

import io.fdbnbd.store.Batch;
import io.fdbnbd.store.Guard;
import io.fdbnbd.store.KeyRange;
import io.fdbnbd.store.RowVisitor;
import io.fdbnbd.store.Store;
import io.fdbnbd.store.StoreException;
import io.fdbnbd.store.StoreLimits;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Arrays;
import java.util.HashMap;
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
 * <p>What a sync covers of a log is at least what stood there when the sync began. That is kept when RocksDB itself has
 * counted the sync, and whatever was written since, behind it or over a log of before that is used again, is undone,
 * undone in part, or replaced by what stands in a file whose length was written and whose bytes were not. What others
 * commit while a sync runs may be synced as well: more is lost here than would be.
 *
 * <p>Not covered: tables, their list and CURRENT are taken as they are, since RocksDB syncs them before it relies on
 * them and that is not repeated here; that its count of syncs is one of calls to the system; and disks that lie.
 */
public final class PowerLossStore implements Store {

    /** What becomes of the bytes of a log that were written since the last sync. */
    public enum Loss {
        /** They are there: the process died, and the machine did not. */
        NONE,
        /** Gone, and with them logs of which nothing was synced. */
        ALL,
        /** There up to some byte. */
        TAIL,
        /** Gone, but for the length of the file. */
        ZEROED,
        /** Page by page there, or gone. */
        PAGES
    }

    /** What a file has, by its key: a log that is used again gets another name. */
    private record Log(Object fileKey, byte[] bytes) {}

    private static final byte[] NOTHING = {};
    private static final int PAGE_BYTES = 4096;
    private static final int COPY_ATTEMPTS_MAX = 1000;

    private final Path directory;
    private final RocksStore under;

    /** Commits and syncs share it; a copy has it alone. */
    private final ReentrantReadWriteLock lock = new ReentrantReadWriteLock(true);

    // Written by the one thread that syncs.
    private volatile Map<String, Log> synced;

    private PowerLossStore(Path directory, RocksStore under, Map<String, Log> synced) {
        this.directory = directory;
        this.under = under;
        this.synced = synced;
    }

    /** Opens a directory, with memtables so small that logs and tables come and go. What is in it counts as synced. */
    public static PowerLossStore open(Path directory) throws IOException {
        Files.createDirectories(directory);
        Map<String, Log> logs = logs(directory);
        return new PowerLossStore(directory, RocksStore.open(directory, new RocksOptions(8 << 20, 1 << 20, 2)), logs);
    }

    private static Map<String, Log> logs(Path directory) throws IOException {
        Map<String, Log> logs = new TreeMap<>();
        for (String name : lengths(directory).keySet()) {
            Path file = directory.resolve(name);
            try {
                if (name.endsWith(".log")) {
                    Object key = Files.readAttributes(file, BasicFileAttributes.class)
                            .fileKey();
                    logs.put(name, new Log(key, Files.readAllBytes(file)));
                }
            } catch (NoSuchFileException e) {
                // Not needed any more, and deleted just now.
            }
        }
        return logs;
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
        Map<String, Log> written;
        lock.writeLock().lock();
        try {
            copyTo(target);
            written = logs(directory);
        } finally {
            lock.writeLock().unlock();
        }
        Map<Object, byte[]> before = new HashMap<>();
        synced.values().forEach(log -> before.put(log.fileKey(), log.bytes()));
        for (Map.Entry<String, Log> log : written.entrySet()) {
            Path file = target.resolve(log.getKey());
            if (loss == Loss.ALL && !synced.containsKey(log.getKey())) {
                Files.deleteIfExists(file);
            } else if (Files.exists(file)) {
                byte[] old = before.getOrDefault(log.getValue().fileKey(), NOTHING);
                Files.write(file, left(loss, old, log.getValue().bytes(), random));
            }
        }
    }

    /** How often RocksDB has begun to write over a log of before, by what it tells itself. */
    public long logsUsedAgain() throws IOException {
        try (Stream<String> lines = Files.lines(directory.resolve("LOG"))) {
            return lines.filter(line -> line.contains("reusing log")).count();
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

    /** @return what is left of a log that had {@code old} at the last sync, and has {@code now} */
    private static byte[] left(Loss loss, byte[] old, byte[] now, Random random) {
        byte[] gone = Arrays.copyOf(old, now.length);
        return switch (loss) {
            case NONE -> now;
            case ALL -> old;
            case TAIL -> {
                int same = Arrays.mismatch(old, now);
                int from = same < 0 ? now.length : same;
                int there = from + random.nextInt(now.length - from + 1);
                yield replaced(Arrays.copyOf(old, Math.max(old.length, there)), now, 0, there);
            }
            case ZEROED -> gone;
            case PAGES -> {
                for (int at = 0; at < now.length; at += PAGE_BYTES) {
                    if (random.nextBoolean()) {
                        replaced(gone, now, at, Math.min(now.length, at + PAGE_BYTES));
                    }
                }
                yield gone;
            }
        };
    }

    private static byte[] replaced(byte[] bytes, byte[] by, int from, int to) {
        System.arraycopy(by, from, bytes, from, to - from);
        return bytes;
    }

    /** One thread at a time. */
    @Override
    public void sync() throws StoreException {
        lock.readLock().lock();
        try {
            Map<String, Log> before = logs(directory);
            long count = under.syncCount();
            under.sync();
            if (under.syncCount() > count) {
                synced = before;
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
