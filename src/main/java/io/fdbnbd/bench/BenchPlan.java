package io.fdbnbd.bench;

import io.fdbnbd.client.RemoteExport;
import io.fdbnbd.nbd.Nbd;
import io.fdbnbd.util.Checks;
import io.fdbnbd.util.Sizes;
import java.time.Duration;

/**
 * What is asked of a server.
 *
 * @param readPercent how many of a hundred requests are READs, of {@link Pattern#MIXED}
 * @param blockBytes of each READ and WRITE
 * @param depth requests outstanding on each connection, at most
 * @param rate requests a second, of all connections together; 0 for as many as the server answers
 * @param warmup not measured, before the runtime
 * @param fua whether WRITEs are durable when they are answered
 * @param flushEvery after how many WRITEs of a connection it sends a FLUSH; 0 for never
 * @param compressiblePercent how much of what is written a compressor can take away
 * @param seed of places and content: with the same, the requests of each connection are the same
 */
public record BenchPlan(
        Pattern pattern,
        int readPercent,
        int blockBytes,
        int depth,
        int connections,
        int rate,
        Duration runtime,
        Duration warmup,
        boolean fua,
        int flushEvery,
        int compressiblePercent,
        long seed) {

    public static final int BLOCK_BYTES_MIN = 512;
    public static final int BLOCK_BYTES_MAX = 32 << 20;
    public static final int DEPTH_MAX = 1024;
    public static final int CONNECTIONS_MAX = 64;
    public static final int RATE_MAX = 10_000_000;
    public static final Duration RUNTIME_MAX = Duration.ofDays(7);

    /** @throws IllegalArgumentException for numbers out of range; the message names them for the user */
    public BenchPlan {
        Checks.checkRange(readPercent, 0, 100, "--read-percent");
        Checks.checkRange(blockBytes, BLOCK_BYTES_MIN, BLOCK_BYTES_MAX, "--block");
        Checks.checkRange(depth, 1, DEPTH_MAX, "--depth");
        Checks.checkRange(connections, 1, CONNECTIONS_MAX, "--connections");
        Checks.checkRange(rate, 0, RATE_MAX, "--rate");
        Checks.checkRange(runtime.toSeconds(), 0, RUNTIME_MAX.toSeconds(), "--runtime in seconds");
        Checks.checkRange(warmup.toSeconds(), 0, RUNTIME_MAX.toSeconds(), "--warmup in seconds");
        Checks.checkRange(flushEvery, 0, Integer.MAX_VALUE, "--flush-every");
        Checks.checkRange(compressiblePercent, 0, 100, "--compressible");
    }

    public boolean isOpenLoop() {
        return rate > 0;
    }

    /** Whether requests are sent by a thread of their own. */
    boolean isThreaded() {
        // Of READs and WRITEs together, a server that does not read while it sends would wait for us and we for it.
        return isOpenLoop() || pattern == Pattern.MIXED;
    }

    void requireFits(RemoteExport export) throws UnsuitableExportException {
        require(!pattern.writes() || !export.isReadOnly(), "the export is read-only: it can be read only");
        require(
                blockBytes % export.blockBytesMin() == 0,
                "the server takes multiples of " + export.blockBytesMin() + " bytes: choose such a --block");
        require(
                blockBytes <= export.payloadBytesMax(),
                "the server takes " + Sizes.format(export.payloadBytesMax()) + " at once at most: choose a smaller"
                        + " --block");
        require(
                export.sizeBytes() / connections >= blockBytes,
                "the export has " + Sizes.format(export.sizeBytes()) + ", which is less than a block a connection");
        require(
                connections == 1 || export.has(Nbd.TRANSMIT_CAN_MULTI_CONN),
                "the server allows one connection to this export: leave --connections out");
        require(!fua || export.has(Nbd.TRANSMIT_SEND_FUA), "the server has no FUA: leave --fua out");
        require(
                flushEvery == 0 || export.has(Nbd.TRANSMIT_SEND_FLUSH),
                "the server has no FLUSH: leave --flush-every out");
    }

    private static void require(boolean holds, String message) throws UnsuitableExportException {
        if (!holds) {
            throw new UnsuitableExportException(message);
        }
    }
}
