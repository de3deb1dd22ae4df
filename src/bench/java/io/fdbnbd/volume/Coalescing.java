package io.fdbnbd.volume;

import java.nio.ByteBuffer;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/**
 * What does a write cost when each block is written so many times before it is drained: whole, which replaces its bytes,
 * and in pieces that make it whole in the end, as a file system appends to its log?
 */
@State(Scope.Thread)
public class Coalescing {
    private static final int WRITES = 1024;

    private final DrainedBuffer buffer = new DrainedBuffer();
    private final ByteBuffer whole = ByteBuffer.allocateDirect(DrainedBuffer.BLOCK_BYTES);

    @Param({"1", "2", "8"})
    private int writesPerBlock;

    private ByteBuffer piece;

    @Setup
    public void allocate() {
        piece = ByteBuffer.allocateDirect(DrainedBuffer.BLOCK_BYTES / writesPerBlock);
    }

    @Benchmark
    @OperationsPerInvocation(WRITES)
    public int overwrite() throws VolumeException {
        for (int i = 0; i < WRITES; i++) {
            buffer.write(i / writesPerBlock, 0, whole);
        }
        return drained();
    }

    @Benchmark
    @OperationsPerInvocation(WRITES)
    public int append() throws VolumeException {
        for (int i = 0; i < WRITES; i++) {
            buffer.write(i / writesPerBlock, i % writesPerBlock * piece.capacity(), piece);
        }
        return drained();
    }

    /** A bench that stores more, or less, than there is measures something else. */
    private int drained() {
        int stored = buffer.drain();
        if (stored != WRITES / writesPerBlock) {
            throw new IllegalStateException(stored + " blocks were drained");
        }
        return stored;
    }
}
