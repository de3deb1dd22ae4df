package io.fdbnbd.nbd;

import io.fdbnbd.util.Checks;

/** Decides which requests are legal; nothing else does. What it lets pass can be executed without further checks. */
public final class RequestRules {

    /** {@link #check}'s answer where no reply helps: the payload is too long to be consumed for the sake of one. */
    public static final int DISCONNECT = -1;

    /** Legal with every command: clients are known to set FUA where it means nothing. */
    private static final int FLAGS_ALWAYS = Nbd.CMD_FLAG_FUA;

    private RequestRules() {}

    /**
     * Returns 0 if the request may be executed, else the error to reply with, or {@link #DISCONNECT}. A refused WRITE's
     * payload still has to be consumed.
     */
    public static int check(Request request, Export export) {
        if (request.payloadBytes() > Nbd.PAYLOAD_BYTES_MAX) {
            return DISCONNECT;
        }
        return switch (request.type()) {
            case Nbd.CMD_READ -> checkRead(request, export);
            case Nbd.CMD_WRITE ->
                checkChange(
                        request, export, request.extended() ? FLAGS_ALWAYS | Nbd.CMD_FLAG_PAYLOAD_LEN : FLAGS_ALWAYS);
            case Nbd.CMD_DISC -> 0;
            case Nbd.CMD_FLUSH -> checkFlush(request, export);
            case Nbd.CMD_TRIM ->
                export.has(Nbd.TRANSMIT_SEND_TRIM) ? checkChange(request, export, FLAGS_ALWAYS) : Nbd.EINVAL;
            case Nbd.CMD_CACHE -> checkRange(request, export, FLAGS_ALWAYS, Nbd.EINVAL);
            case Nbd.CMD_WRITE_ZEROES -> checkWriteZeroes(request, export);
            case Nbd.CMD_BLOCK_STATUS -> checkBlockStatus(request, export);
            default -> Nbd.EINVAL;
        };
    }

    private static int checkRead(Request request, Export export) {
        int flags = export.has(Nbd.TRANSMIT_SEND_DF) ? FLAGS_ALWAYS | Nbd.CMD_FLAG_DF : FLAGS_ALWAYS;
        int error = checkRange(request, export, flags, Nbd.EINVAL);
        if (error == 0 && request.length() > Nbd.PAYLOAD_BYTES_MAX) {
            return Nbd.EINVAL;
        }
        boolean fitsOneChunk = request.length() <= Nbd.PAYLOAD_ADVERTISED_BYTES_MAX;
        return error == 0 && request.has(Nbd.CMD_FLAG_DF) && !fitsOneChunk ? Nbd.EOVERFLOW : error;
    }

    private static int checkWriteZeroes(Request request, Export export) {
        if (!export.has(Nbd.TRANSMIT_SEND_WRITE_ZEROES)) {
            return Nbd.EINVAL;
        }
        int flags = FLAGS_ALWAYS | Nbd.CMD_FLAG_NO_HOLE;
        if (export.has(Nbd.TRANSMIT_SEND_FAST_ZERO)) {
            flags |= Nbd.CMD_FLAG_FAST_ZERO;
        }
        return checkChange(request, export, flags);
    }

    private static int checkBlockStatus(Request request, Export export) {
        if (!export.tellsAllocation() || request.length() == 0) {
            return Nbd.EINVAL;
        }
        return checkRange(request, export, FLAGS_ALWAYS | Nbd.CMD_FLAG_REQ_ONE, Nbd.EINVAL);
    }

    private static int checkFlush(Request request, Export export) {
        boolean legal = export.has(Nbd.TRANSMIT_SEND_FLUSH)
                && hasOnly(request, FLAGS_ALWAYS)
                && request.offset() == 0
                && request.length() == 0;
        return legal ? 0 : Nbd.EINVAL;
    }

    private static int checkChange(Request request, Export export, int flags) {
        if (!hasOnly(request, flags)) {
            return Nbd.EINVAL;
        }
        if (export.has(Nbd.TRANSMIT_READ_ONLY)) {
            return Nbd.EPERM;
        }
        boolean trims = request.type() == Nbd.CMD_TRIM;
        return checkRange(request, export, flags, trims ? Nbd.EINVAL : Nbd.ENOSPC);
    }

    /** Offsets are unsigned on the wire; one past 2^63 is negative here, and so outside of every export. */
    private static int checkRange(Request request, Export export, int flags, int outside) {
        if (!hasOnly(request, flags)) {
            return Nbd.EINVAL;
        }
        return Checks.isInside(request.offset(), request.length(), export.sizeBytes()) ? 0 : outside;
    }

    private static boolean hasOnly(Request request, int flags) {
        return (request.flags() & ~flags) == 0;
    }
}
