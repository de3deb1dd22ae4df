package io.fdbnbd.nbd;

import static io.fdbnbd.util.Checks.check;

import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Set;

/**
 * A fuzz target: any bytes as requests. The first byte of an input chooses the framing, in its two low bits, and what the
 * export can; the others are the client's.
 *
 * <p>Nothing but a {@link ProtocolException} may be thrown; what the rules let pass lies inside of the export and is
 * something that it allows, told by arithmetic that cannot overflow; what they refuse has a reply that fits.
 */
public final class RequestFuzz {
    private static final long SIZE_BYTES = 1L << 40;
    private static final int READ_ONLY = 1 << 2;
    private static final int BARE = 1 << 3;
    private static final int TELLS_ALLOCATION = 1 << 4;

    private static final int ABLE = Nbd.TRANSMIT_SEND_FLUSH
            | Nbd.TRANSMIT_SEND_FUA
            | Nbd.TRANSMIT_SEND_TRIM
            | Nbd.TRANSMIT_SEND_WRITE_ZEROES
            | Nbd.TRANSMIT_SEND_DF
            | Nbd.TRANSMIT_SEND_FAST_ZERO
            | Nbd.TRANSMIT_SEND_CACHE;

    private static final List<Framing> FRAMINGS = List.of(Framing.SIMPLE, Framing.STRUCTURED, Framing.EXTENDED);
    private static final Set<Integer> CHANGES = Set.of(Nbd.CMD_WRITE, Nbd.CMD_TRIM, Nbd.CMD_WRITE_ZEROES);
    private static final Set<Integer> RANGED = Set.of(
            Nbd.CMD_READ, Nbd.CMD_WRITE, Nbd.CMD_TRIM, Nbd.CMD_CACHE, Nbd.CMD_WRITE_ZEROES, Nbd.CMD_BLOCK_STATUS);
    private static final Set<Integer> ERRORS = Set.of(Nbd.EPERM, Nbd.EINVAL, Nbd.ENOSPC, Nbd.EOVERFLOW);

    private RequestFuzz() {}

    /** Jazzer looks for this name. */
    public static void fuzzerTestOneInput(byte[] input) {
        if (input.length == 0) {
            return;
        }
        int mode = input[0];
        Framing framing = FRAMINGS.get((mode & 3) % FRAMINGS.size());
        int flags = Nbd.TRANSMIT_HAS_FLAGS;
        flags |= (mode & READ_ONLY) != 0 ? Nbd.TRANSMIT_READ_ONLY : 0;
        flags |= (mode & BARE) != 0 ? 0 : ABLE;
        boolean tells = framing != Framing.SIMPLE && (mode & TELLS_ALLOCATION) != 0;
        Export export = new Export("disk", SIZE_BYTES, flags, 4096, tells);
        ByteBuffer in = ByteBuffer.wrap(input).position(1);
        try {
            while (in.remaining() >= framing.requestBytes()) {
                Request request = Request.take(in, framing);
                int error = RequestRules.check(request, export);
                if (error == RequestRules.DISCONNECT) {
                    check(request.payloadBytes() > Nbd.PAYLOAD_BYTES_MAX, "it ends for nothing: " + request);
                    return;
                }
                check(request.payloadBytes() <= Nbd.PAYLOAD_BYTES_MAX, "a payload without bound: " + request);
                if (error == 0) {
                    checkLegal(request, export);
                } else {
                    check(ERRORS.contains(error), error + " is no error of a request: " + request);
                }
                framing.putBare(ByteBuffer.allocate(framing.bareBytesMax()), request, error);
                in.position(in.position() + (int) Math.min(in.remaining(), request.payloadBytes()));
            }
        } catch (ProtocolException e) {
            check(!String.valueOf(e.getMessage()).isEmpty(), "an end without a reason");
        }
    }

    private static void checkLegal(Request request, Export export) {
        int type = request.type();
        check(type <= Nbd.CMD_BLOCK_STATUS, "an unknown command is legal: " + request);
        check(!CHANGES.contains(type) || !export.has(Nbd.TRANSMIT_READ_ONLY), "a change of what is read-only");
        check(type != Nbd.CMD_BLOCK_STATUS || export.tellsAllocation(), "a status that was not negotiated");
        check(type != Nbd.CMD_READ || request.length() <= Nbd.PAYLOAD_BYTES_MAX, "a READ without bound: " + request);
        if (RANGED.contains(type)) {
            BigInteger end =
                    new BigInteger(Long.toUnsignedString(request.offset())).add(BigInteger.valueOf(request.length()));
            check(end.compareTo(BigInteger.valueOf(export.sizeBytes())) <= 0, "outside of the export: " + request);
        }
    }
}
