package io.fdbnbd.server;

import io.fdbnbd.nbd.Nbd;
import io.fdbnbd.nbd.Request;
import io.fdbnbd.util.RateLimit;
import io.fdbnbd.volume.VolumeException;
import java.util.concurrent.atomic.AtomicLong;
import org.tinylog.Logger;

/**
 * The one place where a failure becomes a number of NBD. The number says next to nothing, so the cause goes to the log
 * just before; but of a volume that was lost, which the log says once. For one connection; any thread.
 */
final class Errors {
    private final RateLimit limit;
    private final AtomicLong failed = new AtomicLong();

    /** @param limit of all connections together */
    Errors(RateLimit limit) {
        this.limit = limit;
    }

    static int ofKind(VolumeException.Kind kind) {
        return switch (kind) {
            case INVALID -> Nbd.EINVAL;
            case NO_SPACE -> Nbd.ENOSPC;
            case SHUTTING_DOWN -> Nbd.ESHUTDOWN;
            case MISSING, EXISTS, BUSY, UNCLEAN, IO, DAMAGED, FUTURE_FORMAT, LOST_OWNERSHIP -> Nbd.EIO;
        };
    }

    /** What a client is told that cannot have a volume. */
    static int optionReplyOfKind(VolumeException.Kind kind) {
        return switch (kind) {
            case SHUTTING_DOWN -> Nbd.REP_ERR_SHUTDOWN;
            case BUSY, UNCLEAN -> Nbd.REP_ERR_POLICY;
            case INVALID, MISSING, EXISTS, NO_SPACE, IO, DAMAGED, FUTURE_FORMAT, LOST_OWNERSHIP -> Nbd.REP_ERR_UNKNOWN;
        };
    }

    /** Logs why {@code request} failed and returns the error to reply with. */
    int report(String volume, Request request, Throwable failure) {
        failed.incrementAndGet();
        if (failure instanceof VolumeException lost && lost.kind() == VolumeException.Kind.LOST_OWNERSHIP) {
            Logger.debug("volume '{}': {}: {}", volume, describe(request), lost.getMessage());
            return ofKind(lost.kind());
        }
        long suppressed = limit.tryLine();
        if (!(failure instanceof VolumeException known)) {
            if (suppressed >= 0) {
                Logger.error(
                        failure,
                        "volume '{}': {} by a bug in this program{}",
                        volume,
                        describe(request),
                        RateLimit.leftOut(suppressed));
            }
            return Nbd.EIO;
        }
        if (suppressed >= 0) {
            Logger.warn(
                    "volume '{}': {}: {}{}",
                    volume,
                    describe(request),
                    known.getMessage(),
                    RateLimit.leftOut(suppressed));
        }
        return ofKind(known.kind());
    }

    /** How many requests so far. */
    long failed() {
        return failed.get();
    }

    private static String describe(Request request) {
        String command = Nbd.commandName(request.type());
        return command + " of " + request.length() + " bytes at " + request.offset() + " failed";
    }
}
