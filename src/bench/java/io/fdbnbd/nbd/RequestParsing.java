package io.fdbnbd.nbd;

import java.nio.ByteBuffer;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.infra.Blackhole;

/** What does it cost to take a request out of a gulp and to decide that it is legal? */
@State(Scope.Thread)
public class RequestParsing {
    private static final int REQUESTS = 32;
    private static final int BLOCK_BYTES = 4096;

    private final Export export = new Export(
            "disk",
            1L << 40,
            Nbd.TRANSMIT_HAS_FLAGS | Nbd.TRANSMIT_SEND_FLUSH | Nbd.TRANSMIT_SEND_FUA | Nbd.TRANSMIT_SEND_DF,
            BLOCK_BYTES,
            false);

    @Param
    private Framing framing;

    private ByteBuffer gulp;

    @Setup
    public void fillGulp() {
        gulp = ByteBuffer.allocateDirect(REQUESTS * framing.requestBytes());
        for (int i = 0; i < REQUESTS; i++) {
            gulp.putInt(framing == Framing.EXTENDED ? Nbd.EXTENDED_REQUEST_MAGIC : Nbd.REQUEST_MAGIC);
            gulp.putShort((short) 0).putShort((short) Nbd.CMD_READ);
            gulp.putLong(i).putLong((long) i * BLOCK_BYTES);
            if (framing == Framing.EXTENDED) {
                gulp.putLong(BLOCK_BYTES);
            } else {
                gulp.putInt(BLOCK_BYTES);
            }
        }
    }

    @Benchmark
    @OperationsPerInvocation(REQUESTS)
    public void takeAndCheck(Blackhole blackhole) throws ProtocolException {
        gulp.flip();
        while (gulp.hasRemaining()) {
            Request request = Request.take(gulp, framing);
            blackhole.consume(RequestRules.check(request, export));
            blackhole.consume(request);
        }
    }
}
