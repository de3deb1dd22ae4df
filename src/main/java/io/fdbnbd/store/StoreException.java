package io.fdbnbd.store;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** A store's refusal or failure. The kind says what the caller may conclude; the message names the cause. */
public final class StoreException extends IOException {

    private static final long serialVersionUID = 1L;

    /** What is known of the batch (or read) that failed. */
    public enum Kind {
        /** Surely not applied; the same call may succeed later. */
        RETRYABLE,
        /** Applied or not, and settled: it will not be applied later. Repeating an idempotent batch is safe. */
        UNKNOWN_OUTCOME,
        /** Applied or not, and may still be applied at any later time, until the guard's key is rewritten. */
        UNRESOLVED_OUTCOME,
        /** Surely not applied: a guard did not hold. Trying again under the same guard is pointless. */
        GUARD_LOST,
        /** Surely not applied: no room is left in the store. */
        NO_SPACE,
        /** Surely not applied, and trying again is pointless: bad arguments, damage, a broken store. */
        FATAL
    }

    private final Kind kind;

    public StoreException(Kind kind, String message) {
        this(kind, message, null);
    }

    public StoreException(Kind kind, String message, @Nullable Throwable cause) {
        super(message, cause);
        this.kind = kind;
    }

    public Kind kind() {
        return kind;
    }

    @Override
    public String getMessage() {
        return String.valueOf(super.getMessage());
    }
}
