package io.fdbnbd.volume;

import java.nio.ByteBuffer;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/**
 * What does the write buffer itself cost a write of 4 KiB, from its copy until it has landed, without a store? And how
 * much of that is saved when many blocks are drained together?
 */
@State(Scope.Thread)
public class BufferInsertAndDrain {
    private static final int WRITES = 1024;

    private final DrainedBuffer buffer = new DrainedBuffer();
    private final ByteBuffer payload = ByteBuffer.allocateDirect(DrainedBuffer.BLOCK_BYTES);

    @Param({"1", "32", "1024"})
    private int drainedTogether;

    @Benchmark
    @OperationsPerInvocation(WRITES)
    public int write() throws VolumeException {
        int stored = 0;
        for (int i = 0; i < WRITES; i++) {
            buffer.write(i, 0, payload);
            if ((i + 1) % drainedTogether == 0) {
                stored += buffer.drain();
            }
        }
        return stored;
    }
}
