package io.fdbnbd.store.fdb;

import com.apple.foundationdb.FDBException;
import io.fdbnbd.store.StoreException;
import io.fdbnbd.store.StoreException.Kind;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/**
 * What FoundationDB's error numbers mean to us, in one switch. The numbers are those of {@code error_definitions.h};
 * which of them leave a commit possible later is from the developer guide, "Transactions with unknown results".
 */
final class FdbErrors {

    static final int TRANSACTION_TOO_OLD = 1007;
    static final int FUTURE_VERSION = 1009;
    static final int NOT_COMMITTED = 1020;
    static final int COMMIT_UNKNOWN_RESULT = 1021;
    static final int TRANSACTION_CANCELLED = 1025;
    static final int TRANSACTION_TIMED_OUT = 1031;
    static final int PROCESS_BEHIND = 1037;
    static final int DATABASE_LOCKED = 1038;
    static final int CLUSTER_VERSION_CHANGED = 1039;
    static final int PROXY_MEMORY_LIMIT_EXCEEDED = 1042;
    static final int BATCH_TRANSACTION_THROTTLED = 1051;
    static final int GRV_PROXY_MEMORY_LIMIT_EXCEEDED = 1078;
    static final int OPERATION_CANCELLED = 1101;
    static final int TAG_THROTTLED = 1213;
    static final int PROXY_TAG_THROTTLED = 1223;

    private static final int CLIENT_ERRORS = 2000;

    /** Where in a call the error came. */
    enum During {
        /** Nothing was sent that could change anything. */
        READ,
        /** A commit was under way. */
        COMMIT
    }

    private FdbErrors() {}

    /**
     * Waits for a future.
     *
     * @throws StoreException as {@link #of}
     */
    static <T> T join(CompletableFuture<T> future, During during) throws StoreException {
        try {
            return future.join();
        } catch (CompletionException e) {
            throw of(e.getCause() == null ? e : e.getCause(), during);
        } catch (CancellationException e) {
            throw of(e, during);
        }
    }

    /** The failure as the store's interface names it. */
    static StoreException of(Throwable failure, During during) {
        if (!(failure instanceof FDBException e)) {
            return new StoreException(
                    during == During.COMMIT ? Kind.UNRESOLVED_OUTCOME : Kind.FATAL,
                    "FoundationDB's client failed: " + failure,
                    failure);
        }
        Kind kind = kind(e.getCode(), during);
        return new StoreException(kind, "FoundationDB: " + message(e), e);
    }

    private static Kind kind(int code, During during) {
        return switch (code) {
            case TRANSACTION_TOO_OLD,
                    FUTURE_VERSION,
                    NOT_COMMITTED,
                    PROCESS_BEHIND,
                    DATABASE_LOCKED,
                    PROXY_MEMORY_LIMIT_EXCEEDED,
                    BATCH_TRANSACTION_THROTTLED,
                    GRV_PROXY_MEMORY_LIMIT_EXCEEDED,
                    TAG_THROTTLED,
                    PROXY_TAG_THROTTLED -> Kind.RETRYABLE;
            // The client has made sure that the original is in flight no more.
            case COMMIT_UNKNOWN_RESULT -> Kind.UNKNOWN_OUTCOME;
            case CLUSTER_VERSION_CHANGED, TRANSACTION_TIMED_OUT, TRANSACTION_CANCELLED, OPERATION_CANCELLED ->
                during == During.COMMIT ? Kind.UNRESOLVED_OUTCOME : Kind.RETRYABLE;
            // Client errors from 2000 on come before anything is sent. Of a commit, nothing is known after any other.
            default -> during == During.READ || code >= CLIENT_ERRORS ? Kind.FATAL : Kind.UNRESOLVED_OUTCOME;
        };
    }

    private static String message(FDBException e) {
        String meaning = switch (e.getCode()) {
            case DATABASE_LOCKED -> "the database is locked: unlock it with `fdbcli --exec \"unlock UID\"`";
            case TRANSACTION_TIMED_OUT -> "the cluster does not answer";
            default -> e.getMessage();
        };
        return meaning + " (error " + e.getCode() + ")";
    }
}
