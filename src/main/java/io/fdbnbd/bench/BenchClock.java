package io.fdbnbd.bench;

import io.fdbnbd.util.Ticker;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** Time, and waiting for it: a test's clock may be there at once. */
public interface BenchClock extends Ticker {

    /** The machine's. */
    BenchClock SYSTEM = new BenchClock() {
        @Override
        public long nanoTime() {
            return Ticker.SYSTEM.nanoTime();
        }

        @Override
        public void awaitUntil(long nanos, CountDownLatch stop) throws InterruptedException {
            long left = nanos - nanoTime();
            if (left > 0) {
                stop.await(left, TimeUnit.NANOSECONDS);
            }
        }
    };

    /** Returns at this time, or when {@code stop} has come. */
    void awaitUntil(long nanos, CountDownLatch stop) throws InterruptedException;
}
