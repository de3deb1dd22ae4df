package io.fdbnbd.volume;

import static io.fdbnbd.volume.VolumeException.Kind.SHUTTING_DOWN;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;

/** The pause between attempts; {@link #close} ends it and all later ones. */
interface Backoff extends AutoCloseable {

    /**
     * Waits before attempt {@code attempt + 1}.
     *
     * @throws VolumeException SHUTTING_DOWN once closed
     */
    void pause(int attempt) throws VolumeException;

    @Override
    void close();

    /** From {@code firstMillis}, doubling up to {@code maxMillis}, each pause shortened at random by up to a half. */
    static Backoff exponential(long firstMillis, long maxMillis) {
        CountDownLatch closed = new CountDownLatch(1);
        return new Backoff() {
            @Override
            public void pause(int attempt) throws VolumeException {
                long millis = Math.min(maxMillis, firstMillis << Math.min(attempt, 30));
                long jittered = millis - ThreadLocalRandom.current().nextLong(millis / 2 + 1);
                boolean ended;
                try {
                    ended = closed.await(jittered, TimeUnit.MILLISECONDS);
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    ended = true;
                }
                if (ended) {
                    throw new VolumeException(SHUTTING_DOWN, "the volume was closed before the store recovered");
                }
            }

            @Override
            public void close() {
                closed.countDown();
            }
        };
    }
}
