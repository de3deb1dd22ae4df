package io.fdbnbd.store.fdb;

import com.apple.foundationdb.Database;
import com.apple.foundationdb.FDBException;
import com.apple.foundationdb.Transaction;
import io.fdbnbd.store.Batch;
import io.fdbnbd.store.Guard;
import io.fdbnbd.store.KeyRange;
import io.fdbnbd.store.PortableLimits;
import io.fdbnbd.store.RowVisitor;
import io.fdbnbd.store.Store;
import io.fdbnbd.store.StoreException;
import io.fdbnbd.store.StoreException.Kind;
import io.fdbnbd.store.StoreLimits;
import io.fdbnbd.store.fdb.FdbErrors.During;
import io.fdbnbd.util.Gate;
import io.fdbnbd.util.Threads;
import io.fdbnbd.util.Ticker;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;

/**
 * A store in a FoundationDB cluster, under a prefix. Blind batches: no key is read to write it, and a guard is a read
 * conflict on its key since a version at which it was seen to hold, so that a takeover in between makes the commit fail.
 *
 * <p>Futures are joined in this package and nowhere else. No call has a time limit of its own, because a commit that is
 * given up may still land: when the cluster does not answer, calls wait, {@link Outage} says so, and {@link #close}
 * cancels them.
 */
public final class FdbStore implements Store {

    /** About what a commit proxy puts into one batch of its own, times what amortizes a transaction's own cost. */
    private static final long BATCH_BYTES_TARGET = 256 << 10;

    private static final int COMMITS_IN_FLIGHT_MAX = 16;
    private static final long IN_FLIGHT_BYTES_MAX = 2 << 20;

    /**
     * Counted bytes of all commits of this process that are under way: the client keeps several copies of each, outside
     * of the heap. A commit that is larger than what is left waits.
     */
    private static final int COMMITTING_BYTES_MAX = 64 << 20;

    /** A storage server's reply ends at 80,000 counted bytes; the rest is room for the prefix in each key. */
    private static final int READ_BYTES_TARGET = 77_000;

    /** Some trips' worth: what one client that reads in order takes while a trip is under way. */
    private static final int READ_AHEAD_BYTES_MAX = 2 << 20;

    /** How old a version may be that serves reads: how long a displaced owner may still read what it owned. */
    private static final Duration GUARD_AGE_MAX = Duration.ofSeconds(1);

    /** A proof is renewed in the background from this age on, so that reads seldom have to wait for it. */
    private static final Duration REFRESH_AGE = Duration.ofMillis(500);

    /** How old a version may be that a commit is checked from: the cluster knows what was written in the last 5 s. */
    private static final Duration HELD_AGE_MAX = Duration.ofSeconds(3);

    private static final StoreLimits LIMITS = new StoreLimits(
            PortableLimits.KEY_BYTES_MAX,
            PortableLimits.VALUE_BYTES_MAX,
            PortableLimits.BATCH_BYTES_MAX,
            BATCH_BYTES_TARGET,
            COMMITS_IN_FLIGHT_MAX,
            IN_FLIGHT_BYTES_MAX,
            READ_BYTES_TARGET,
            READ_AHEAD_BYTES_MAX,
            GUARD_AGE_MAX);

    /** Attempts of a commit whose guards hold but were written to meanwhile. */
    private static final int CONFLICTS_MAX = 5;

    private final Gate gate = new Gate("the FoundationDB store");
    private final ExecutorService executor = Executors.newThreadPerTaskExecutor(Threads.virtual("fdb-io"));
    private final Database database;
    private final FdbKeys keys;
    private final Outage outage;
    private final GuardProofs proofs;
    private final Admission admission;

    // What close() has to cancel.
    private final Set<Transaction> open = ConcurrentHashMap.newKeySet();

    private final Semaphore committingBytes = new Semaphore(COMMITTING_BYTES_MAX, true);
    private final SharedReads sharedReads = new SharedReads(this::openAt, this::close);

    private FdbStore(Database database, FdbKeys keys, String clusterFile, Ticker ticker) {
        this.database = database;
        this.keys = keys;
        this.outage = new Outage(clusterFile);
        this.proofs = new GuardProofs(ticker);
        this.admission = new Admission(ticker, executor, this::askForVersion);
    }

    /**
     * Opens the store of a location, without writing anything.
     *
     * @throws StoreException FATAL with what to do: no client library, no cluster file, no answer, database locked
     */
    public static FdbStore open(FdbLocation location, Ticker ticker) throws StoreException {
        String clusterFile = FdbClient.clusterFile(location.clusterFile());
        Database database;
        try {
            // Futures complete on the network thread: all that is ever done there is to wake who joins them.
            database = FdbClient.load().open(clusterFile, Runnable::run);
        } catch (FDBException e) {
            throw new StoreException(
                    Kind.FATAL, "the cluster file " + clusterFile + " is not usable: " + e.getMessage(), e);
        }
        try {
            FdbProbe.checkReachable(database, clusterFile);
            return new FdbStore(database, new FdbKeys(location.prefixBytes()), clusterFile, ticker);
        } catch (StoreException e) {
            database.close();
            throw e;
        }
    }

    @Override
    public StoreLimits limits() {
        return LIMITS;
    }

    @Override
    public Executor executor() {
        return executor;
    }

    @Override
    public boolean isShared() {
        return true;
    }

    @Override
    public boolean isProven(Guard guard) {
        return proofs.readVersion(guard, GUARD_AGE_MAX).isPresent();
    }

    @Override
    public void read(@Nullable Guard guard, List<KeyRange> ranges, RowVisitor visitor) throws StoreException {
        gate.enter();
        try {
            PortableLimits.check(ranges);
            if (guard != null && readAtProven(guard, ranges, visitor)) {
                return;
            }
            readAtNewest(guard, ranges, visitor);
        } finally {
            gate.leave();
        }
    }

    /** Reads without asking for a version; returns false, having shown nothing, if there is none that can be used. */
    private boolean readAtProven(Guard guard, List<KeyRange> ranges, RowVisitor visitor) throws StoreException {
        OptionalLong version = proofs.readVersion(guard, GUARD_AGE_MAX);
        if (version.isEmpty()) {
            return false;
        }
        refreshIfDue(guard);
        FdbRead read = new FdbRead(keys, ranges);
        SharedReads.Share share = sharedReads.at(version.getAsLong());
        outage.begin();
        try {
            read.send(share.transaction());
            read.await();
        } catch (StoreException e) {
            sharedReads.retire(share);
            int code = codeOf(e);
            if (code != FdbErrors.TRANSACTION_TOO_OLD && code != FdbErrors.FUTURE_VERSION) {
                throw e;
            }
            // A recovery of the cluster makes every version too old that was taken before.
            proofs.drop(guard);
            return false;
        } finally {
            share.close();
            outage.end();
        }
        read.show(visitor);
        return true;
    }

    private void readAtNewest(@Nullable Guard guard, List<KeyRange> ranges, RowVisitor visitor) throws StoreException {
        FdbRead read = new FdbRead(keys, ranges);
        try (Call call = begin()) {
            long asked = proofs.now();
            Transaction transaction = call.transaction();
            var held = guard == null ? null : transaction.snapshot().get(keys.of(guard.key()));
            read.send(transaction);
            if (guard != null && held != null) {
                checkHolds(guard, FdbErrors.<byte @Nullable []>join(held, During.READ));
                proofs.asked(guard, versionOf(transaction), asked);
            }
            read.await();
        }
        read.show(visitor);
    }

    private void refreshIfDue(Guard guard) {
        if (proofs.beginRefresh(guard, REFRESH_AGE)) {
            executor.execute(() -> refresh(guard));
        }
    }

    /** Brings a guard's proof up to date. In the background: who reads or commits meets a failure by itself. */
    private void refresh(Guard guard) {
        try {
            readAtNewest(guard, List.of(), (key, value) -> {});
        } catch (StoreException e) {
            if (e.kind() == Kind.GUARD_LOST) {
                proofs.drop(guard);
            }
        } finally {
            proofs.refreshed(guard);
        }
    }

    /** Every read is a trip to the cluster. */
    @Override
    public boolean tryRead(@Nullable Guard guard, List<KeyRange> ranges, RowVisitor visitor) {
        gate.enter();
        gate.leave();
        return false;
    }

    @Override
    public void commit(Batch batch) throws StoreException {
        gate.enter();
        int bytes = (int) Math.min(COMMITTING_BYTES_MAX, batch.countedBytes());
        committingBytes.acquireUninterruptibly(bytes);
        try {
            PortableLimits.check(batch);
            for (int attempt = 1; !tryCommit(batch, attempt == CONFLICTS_MAX); attempt++) {
                // Refused for a version of a guard that was older than needed: once more, with a new one.
            }
        } finally {
            committingBytes.release(bytes);
            gate.leave();
        }
    }

    /** One attempt. Returns false if it failed on a conflict although all guards hold, unless it is the last. */
    private boolean tryCommit(Batch batch, boolean last) throws StoreException {
        try (Call call = begin()) {
            commit(batch, call.transaction());
            return true;
        } catch (StoreException e) {
            batch.guards().forEach(proofs::drop);
            if (codeOf(e) != FdbErrors.NOT_COMMITTED) {
                throw e;
            }
            checkHold(batch.guards());
            if (last) {
                throw e;
            }
            return false;
        }
    }

    private void commit(Batch batch, Transaction transaction) throws StoreException {
        require(batch.guards(), transaction);
        FdbMutations mutations = new FdbMutations(keys, transaction, batch.guards());
        batch.forEach(mutations);
        long sent = proofs.now();
        FdbErrors.join(transaction.commit(), During.COMMIT);
        proofs.committed(transaction.getCommittedVersion());
        for (Guard guard : batch.guards()) {
            if (mutations.rewrote(guard)) {
                proofs.drop(guard);
            } else {
                proofs.committed(guard, transaction.getCommittedVersion(), sent);
            }
        }
    }

    private void require(List<Guard> guards, Transaction transaction) throws StoreException {
        if (guards.size() == 1
                && proofs.heldVersion(guards.getFirst(), HELD_AGE_MAX).isPresent()
                && admission.await()) {
            Guard guard = guards.getFirst();
            OptionalLong version = proofs.heldVersion(guard, HELD_AGE_MAX);
            if (version.isPresent()) {
                transaction.setReadVersion(version.getAsLong());
                transaction.addReadConflictKey(keys.of(guard.key()));
                return;
            }
        }
        long asked = proofs.now();
        for (Guard guard : guards) {
            // Not a snapshot read: it declares the conflict.
            checkHolds(guard, FdbErrors.<byte @Nullable []>join(transaction.get(keys.of(guard.key())), During.READ));
        }
        if (guards.size() == 1) {
            proofs.asked(guards.getFirst(), versionOf(transaction), asked);
        }
    }

    private void askForVersion() throws StoreException {
        try (Call call = begin()) {
            versionOf(call.transaction());
        }
    }

    /** The version that the transaction reads at: asks the cluster for it, unless that was done already. */
    private long versionOf(Transaction transaction) throws StoreException {
        long version = FdbErrors.join(transaction.getReadVersion(), During.READ);
        admission.admitted();
        return version;
    }

    /** Throws GUARD_LOST if one of the guards does not hold now. */
    private void checkHold(List<Guard> guards) throws StoreException {
        for (Guard guard : guards) {
            try (Call call = begin()) {
                checkHolds(
                        guard,
                        FdbErrors.<byte @Nullable []>join(
                                call.transaction().snapshot().get(keys.of(guard.key())), During.READ));
            }
        }
    }

    private static void checkHolds(Guard guard, byte @Nullable [] value) throws StoreException {
        if (!Arrays.equals(guard.value(), value)) {
            throw new StoreException(Kind.GUARD_LOST, "a guard does not hold any more: its key was rewritten");
        }
    }

    private static int codeOf(StoreException e) {
        return e.getCause() instanceof FDBException cause ? cause.getCode() : 0;
    }

    /** Returns at once: a commit of FoundationDB is on the disks of its log servers. */
    @Override
    public void sync() {
        gate.enter();
        gate.leave();
    }

    /** A transaction, closed on every path, after all of its futures have completed. */
    private record Call(FdbStore store, Transaction transaction) implements AutoCloseable {
        @Override
        public void close() {
            store.close(transaction);
            store.outage.end();
        }
    }

    private Call begin() {
        Call call = new Call(this, open());
        outage.begin();
        return call;
    }

    private Transaction open() {
        Transaction transaction = database.createTransaction(Runnable::run);
        // Nothing is read here that was written here; and with it on, a guard's conflict may be left out.
        transaction.options().setReadYourWritesDisable();
        open.add(transaction);
        return transaction;
    }

    private Transaction openAt(long version) {
        Transaction transaction = open();
        transaction.setReadVersion(version);
        return transaction;
    }

    private void close(Transaction transaction) {
        open.remove(transaction);
        transaction.close();
    }

    /** Cancels what is under way, whose outcome is then unresolved, and releases the cluster. */
    @Override
    public void close() {
        open.forEach(Transaction::cancel);
        executor.shutdown();
        if (gate.close()) {
            executor.close();
            sharedReads.close();
            outage.close();
            database.close();
        }
    }
}
