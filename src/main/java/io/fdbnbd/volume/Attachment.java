package io.fdbnbd.volume;

import java.util.concurrent.atomic.AtomicBoolean;

/** One connection's hold on an open volume. Closed by the connection, when none of its requests is under way any more. */
public final class Attachment implements AutoCloseable {

    private final Volume volume;
    private final Runnable detach;
    private final AtomicBoolean closed = new AtomicBoolean();

    Attachment(Volume volume, Runnable detach) {
        this.volume = volume;
        this.detach = detach;
    }

    public Volume volume() {
        return volume;
    }

    /** Detaches; the last one to do so waits until the volume is drained and closed. */
    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            detach.run();
        }
    }
}
