package io.fdbnbd.volume;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Counts what of one write is still to commit and tells its listener at the end. Starts with one hold, the writer's
 * own, which it releases when all parts of the write are in the buffer.
 */
final class CommitTicket {

    private final CommitListener listener;
    private final AtomicInteger holds = new AtomicInteger(1);
    private final AtomicReference<@Nullable VolumeException> failure = new AtomicReference<>();

    CommitTicket(CommitListener listener) {
        this.listener = listener;
    }

    void hold() {
        holds.incrementAndGet();
    }

    /** @param cause null if this part has committed */
    void release(@Nullable VolumeException cause) {
        if (cause != null) {
            failure.compareAndSet(null, cause);
        }
        if (holds.decrementAndGet() == 0) {
            listener.committed(failure.get());
        }
    }
}
