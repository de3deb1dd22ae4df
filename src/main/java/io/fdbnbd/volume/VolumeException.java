package io.fdbnbd.volume;

import io.fdbnbd.store.StoreException;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** Why a volume could not do what it was asked; the message says it to the person who can act. */
public final class VolumeException extends IOException {

    private static final long serialVersionUID = 1L;

    /** What the caller may do about it. */
    public enum Kind {
        /** The request itself makes no sense: a bad name, a size out of range. */
        INVALID,
        /** No volume of that name. */
        MISSING,
        /** There is a volume of that name already. */
        EXISTS,
        /** Attached, and so neither to be deleted nor to be attached elsewhere. */
        BUSY,
        /** Left with answered writes that are lost, and nobody has said yet that its clients know. */
        UNCLEAN,
        /** The store has no room left. */
        NO_SPACE,
        /** The store failed. */
        IO,
        /** A record or a block in the store is not what was written there. */
        DAMAGED,
        /** The store was written by a newer fdb-nbd, or by one before the first release. */
        FUTURE_FORMAT,
        /** Another server took the volume over, or it was deleted. */
        LOST_OWNERSHIP,
        /** This server is stopping. */
        SHUTTING_DOWN
    }

    private final Kind kind;

    public VolumeException(Kind kind, String message) {
        this(kind, message, null);
    }

    public VolumeException(Kind kind, String message, @Nullable Throwable cause) {
        super(message, cause);
        this.kind = kind;
    }

    /** The store's failure as a volume's. */
    static VolumeException of(StoreException cause) {
        Kind kind = switch (cause.kind()) {
            case NO_SPACE -> Kind.NO_SPACE;
            case GUARD_LOST -> Kind.LOST_OWNERSHIP;
            case RETRYABLE, UNKNOWN_OUTCOME, UNRESOLVED_OUTCOME, FATAL -> Kind.IO;
        };
        return new VolumeException(kind, cause.getMessage(), cause);
    }

    /** For who comes later: there may be room again, but not for a volume that has failed. */
    VolumeException again() {
        return new VolumeException(kind == Kind.NO_SPACE ? Kind.IO : kind, getMessage(), this);
    }

    public Kind kind() {
        return kind;
    }

    @Override
    public String getMessage() {
        return String.valueOf(super.getMessage());
    }
}
