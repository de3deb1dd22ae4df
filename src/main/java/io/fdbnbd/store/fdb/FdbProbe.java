package io.fdbnbd.store.fdb;

import com.apple.foundationdb.Database;
import com.apple.foundationdb.FDBException;
import com.apple.foundationdb.Transaction;
import io.fdbnbd.store.StoreException;
import io.fdbnbd.store.StoreException.Kind;
import io.fdbnbd.store.fdb.FdbErrors.During;

/** Asks a cluster for one answer at start, so that what is wrong is said then and not at the first read. */
final class FdbProbe {

    private static final long ANSWER_MILLIS_MAX = 10_000;

    private FdbProbe() {}

    static void checkReachable(Database database, String clusterFile) throws StoreException {
        try (Transaction transaction = database.createTransaction(Runnable::run)) {
            transaction.options().setTimeout(ANSWER_MILLIS_MAX);
            FdbErrors.join(transaction.getReadVersion(), During.READ);
        } catch (StoreException e) {
            boolean silent =
                    e.getCause() instanceof FDBException cause && cause.getCode() == FdbErrors.TRANSACTION_TIMED_OUT;
            throw new StoreException(
                    Kind.FATAL,
                    silent
                            ? "the cluster of " + clusterFile + " has not answered within " + ANSWER_MILLIS_MAX / 1000
                                    + " s: check that it runs, has the same version 7.3 as libfdb_c, and is the right"
                                    + " one, with `fdbcli -C " + clusterFile + " --exec status`"
                            : "the cluster of " + clusterFile + " can not be used: " + e.getMessage(),
                    e);
        }
    }
}
