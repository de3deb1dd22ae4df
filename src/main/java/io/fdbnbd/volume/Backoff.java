package io.fdbnbd.volume;

import static io.fdbnbd.volume.VolumeException.Kind.SHUTTING_DOWN;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.IntToLongFunction;

/** The pauses between attempts, or between other things done again and again; {@link #close} ends them. */
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
        return of(attempt -> {
            long millis = Math.min(maxMillis, firstMillis << Math.min(attempt, 30));
            return millis - ThreadLocalRandom.current().nextLong(millis / 2 + 1);
        });
    }

    /** Always the same pause. */
    static Backoff steady(Duration pause) {
        return of(attempt -> pause.toMillis());
    }

    private static Backoff of(IntToLongFunction millisOf) {
        CountDownLatch closed = new CountDownLatch(1);
        return new Backoff() {
            @Override
            public void pause(int attempt) throws VolumeException {
                boolean ended;
                try {
                    ended = closed.await(millisOf.applyAsLong(attempt), TimeUnit.MILLISECONDS);
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
