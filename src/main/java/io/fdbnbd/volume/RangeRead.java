package io.fdbnbd.volume;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** One of several reads that are made together, and what became of it. Belongs to one thread at a time. */
public final class RangeRead {

    private final long offset;
    private final ByteBuffer dst;
    private @Nullable VolumeException failure;

    /** @param dst receives as many bytes as it has remaining */
    public RangeRead(long offset, ByteBuffer dst) {
        this.offset = offset;
        this.dst = dst;
    }

    long offset() {
        return offset;
    }

    ByteBuffer dst() {
        return dst;
    }

    void fail(VolumeException cause) {
        failure = cause;
    }

    void throwFailure() throws VolumeException {
        if (failure != null) {
            throw failure;
        }
    }

    /** Why this read failed, the bytes of its buffer being undefined then; null if it is done. */
    public @Nullable VolumeException failure() {
        return failure;
    }
}
