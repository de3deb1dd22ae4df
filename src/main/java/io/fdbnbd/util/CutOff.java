package io.fdbnbd.util;

import java.io.Closeable;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.tinylog.Logger;

/** Closes a connection that has not done its part within a deadline. */
public final class CutOff {

    /** What is to be done with the connection. */
    @FunctionalInterface
    public interface Part<T> {
        T perform() throws IOException;
    }

    private final CountDownLatch done = new CountDownLatch(1);

    private CutOff() {}

    /**
     * Performs the part, which may be nothing but input and output on the connection.
     *
     * @throws IOException if the part does, or the deadline has passed and closed the connection under it
     */
    public static <T> T within(Duration deadline, Closeable connection, Part<T> part) throws IOException {
        CutOff cutOff = new CutOff();
        Thread thread = Threads.startVirtual("cut-off", () -> cutOff.watch(deadline, connection));
        try {
            return part.perform();
        } finally {
            cutOff.done.countDown();
            Threads.joinUninterruptibly(thread); // it has nothing left to wait for
        }
    }

    private void watch(Duration deadline, Closeable connection) {
        try {
            if (!done.await(deadline.toNanos(), TimeUnit.NANOSECONDS)) {
                connection.close();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (IOException e) {
            Logger.debug("closing failed: {}", e.getMessage());
        }
    }
}
