package io.fdbnbd.store.rocks;

import io.fdbnbd.store.Batch;
import io.fdbnbd.store.Guard;
import io.fdbnbd.store.KeyRange;
import io.fdbnbd.store.PortableLimits;
import io.fdbnbd.store.RowVisitor;
import io.fdbnbd.store.Store;
import io.fdbnbd.store.StoreException;
import io.fdbnbd.store.StoreException.Kind;
import io.fdbnbd.store.StoreLimits;
import io.fdbnbd.util.Closer;
import io.fdbnbd.util.Gate;
import io.fdbnbd.util.Ticker;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.rocksdb.RocksDB;
import org.rocksdb.RocksDBException;
import org.rocksdb.TickerType;
import org.rocksdb.WriteOptions;

/**
 * A store in a directory of this machine. One process holds a directory at a time.
 *
 * <p>A commit is in the operating system's hands when it returns, and survives the end of this process; {@link #sync}
 * makes it survive that of the machine. After a loss of power what comes back is what was synced and, of the commits
 * after that, those up to some moment.
 */
public final class RocksStore implements Store {
    private static final int BATCH_BYTES_TARGET = 1 << 20;

    private static final StoreLimits LIMITS = PortableLimits.ofSerialStore(BATCH_BYTES_TARGET);

    private final Gate gate;
    private final Path directory;
    private final IoPool pool;
    private final RocksDB database;
    private final RocksTuning tuning;
    private final RocksReads reads;
    private final QuickReads quick = new QuickReads(Ticker.SYSTEM, carriers());
    private final WriteOptions writeOptions;
    private final SyncedMark syncedMark;
    private final SyncGroup syncs = new SyncGroup(this::syncLog);

    /** Everything above that has to be released, in the order of its making. */
    private final Closer owned;

    /** Held from the check of a batch's guards until it is applied. */
    private final ReentrantLock commitLock = new ReentrantLock();

    /** Why nothing is taken any more, if a sync has failed: what the system dropped then, a second sync would not see. */
    private volatile @Nullable StoreException syncFailure;

    /** Whether the last commit failed because the disk was full. Written under {@link #commitLock}. */
    private volatile boolean isFull;

    /** Opens the store in {@code directory}, creating either if there is none. */
    public static RocksStore open(Path directory) throws StoreException {
        return open(directory, RocksOptions.DEFAULTS);
    }

    /**
     * {@link #open(Path)} with other settings than the usual.
     *
     * @throws StoreException FATAL if the directory is held by a process (which the message names), cannot be written
     *     to, holds anything but a store, or is damaged
     */
    public static RocksStore open(Path directory, RocksOptions options) throws StoreException {
        RocksLibrary.load();
        Closer owned = new Closer();
        try {
            return new RocksStore(StoreDirectory.prepare(directory), options, owned);
        } catch (IOException | RuntimeException e) {
            try {
                owned.close();
            } catch (IOException | RuntimeException alsoFailed) {
                e.addSuppressed(alsoFailed);
            }
            throw e instanceof StoreException known ? known : cannotOpen(directory, e);
        }
    }

    private static StoreException cannotOpen(Path directory, Exception cause) {
        return new StoreException(Kind.FATAL, directory + " cannot be opened: " + cause.getMessage(), cause);
    }

    private RocksStore(StoreDirectory place, RocksOptions options, Closer owned) throws IOException {
        this.owned = owned;
        directory = place.path();
        gate = new Gate("the store in " + directory);
        tuning = owned.register(new RocksTuning(options));
        tuning.options().setCreateIfMissing(!place.holdsDatabase());
        database = owned.register(OpenDatabase.open(place, tuning.options()));
        place.writeHolder();
        owned.register(place::deleteHolder);
        syncedMark = owned.register(new SyncedMark(directory));
        writeOptions = owned.register(new WriteOptions());
        reads = owned.register(new RocksReads(database));
        pool = new IoPool(options.ioThreads());
    }

    private static int carriers() {
        return Integer.getInteger(
                "jdk.virtualThreadScheduler.parallelism", Runtime.getRuntime().availableProcessors());
    }

    @Override
    public StoreLimits limits() {
        return LIMITS;
    }

    /** Calls of the native library hold their thread. */
    @Override
    public boolean isForVirtualThreads() {
        return false;
    }

    @Override
    public Executor executor() {
        return pool;
    }

    @Override
    public void read(@Nullable Guard guard, List<KeyRange> ranges, RowVisitor visitor) throws StoreException {
        gate.enter();
        try {
            PortableLimits.check(ranges);
            long beganNanos = quick.begin();
            reads.read(guard, ranges, visitor);
            quick.end(ranges, beganNanos);
        } catch (RocksDBException e) {
            throw RocksErrors.of(directory, e);
        } finally {
            gate.leave();
        }
    }

    @Override
    public boolean tryRead(@Nullable Guard guard, List<KeyRange> ranges, RowVisitor visitor) throws StoreException {
        if (!quick.tryEnter(ranges)) {
            return false;
        }
        try {
            read(guard, ranges, visitor);
            return true;
        } finally {
            quick.leave();
        }
    }

    @Override
    public void commit(Batch batch) throws StoreException {
        gate.enter();
        try {
            PortableLimits.check(batch);
            refuseAfterFailedSync();
            try (NativeBatch made = NativeBatch.of(batch)) {
                commitUnderGuards(batch.guards(), made);
            }
        } catch (RocksDBException e) {
            throw RocksErrors.of(directory, e);
        } finally {
            gate.leave();
        }
    }

    // Unguarded batches take the lock too: one of them may write the key that a guard has just been checked against.
    private void commitUnderGuards(List<Guard> guards, NativeBatch batch) throws RocksDBException, StoreException {
        commitLock.lock();
        try {
            for (Guard guard : guards) {
                reads.check(guard);
            }
            batch.resolveBits(reads::get);
            database.write(writeOptions, batch.batch());
            isFull = false;
        } catch (RocksDBException e) {
            isFull = RocksErrors.of(directory, e).kind() == Kind.NO_SPACE;
            throw e;
        } finally {
            commitLock.unlock();
        }
    }

    @Override
    public void sync() throws StoreException {
        gate.enter();
        try {
            syncs.await();
        } finally {
            gate.leave();
        }
    }

    private void syncLog() throws StoreException {
        refuseAfterFailedSync();
        refuseWhileFull();
        long covered = database.getLatestSequenceNumber();
        try {
            database.syncWal();
            syncedMark.write(covered);
        } catch (RocksDBException | IOException e) {
            syncFailure = new StoreException(
                    Kind.FATAL,
                    directory + " could not be synced (" + e.getMessage() + "), and what was written since the sync"
                            + " before may be lost: see to its disk, then restart",
                    e);
            throw syncFailure;
        }
    }

    // A log whose disk was full cannot be synced, and trying to would keep RocksDB from replacing it, with all that it
    // holds, once there is room. That there is shows when something can be written again.
    private void refuseWhileFull() throws StoreException {
        if (!isFull) {
            return;
        }
        try (NativeBatch nothing = new NativeBatch()) {
            commitUnderGuards(List.of(), nothing);
        } catch (RocksDBException e) {
            throw RocksErrors.of(directory, e);
        }
    }

    private void refuseAfterFailedSync() throws StoreException {
        StoreException failure = syncFailure;
        if (failure != null) {
            throw new StoreException(Kind.FATAL, String.valueOf(failure.getMessage()), failure);
        }
    }

    /** How often the log has been synced. */
    long syncCount() {
        gate.enter();
        try {
            return tuning.statistics().getTickerCount(TickerType.WAL_FILE_SYNCED);
        } finally {
            gate.leave();
        }
    }

    @Override
    public void close() throws StoreException {
        pool.close();
        if (!gate.close()) {
            return;
        }
        try {
            owned.close();
        } catch (IOException e) {
            throw e instanceof StoreException known ? known : cannotClose(e);
        }
    }

    private StoreException cannotClose(IOException cause) {
        return new StoreException(Kind.FATAL, directory + " was not closed cleanly: " + cause.getMessage(), cause);
    }
}
