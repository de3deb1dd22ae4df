package io.fdbnbd.status;

import io.fdbnbd.util.Threads;
import io.fdbnbd.util.Ticker;
import io.fdbnbd.volume.VolumeException;
import io.fdbnbd.volume.VolumeList;
import io.fdbnbd.volume.Volumes;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.tinylog.Logger;

/**
 * Finds out whether the store answers, by listing the volumes. Its thread, {@code store-probe}, asks every
 * {@link #INTERVAL}, so that whoever wants to know never waits for a store that does not answer.
 */
public final class StoreProbe implements AutoCloseable {
    public static final Duration INTERVAL = Duration.ofSeconds(5);

    /** An answer that is older than this says nothing any more. */
    static final Duration AGE_MAX = INTERVAL.multipliedBy(3);

    private static final Duration JOIN_DEADLINE = Duration.ofSeconds(5);

    /** What the store answered last, and when. */
    private record Answer(VolumeList volumes, long nanos) {}

    private final Volumes volumes;
    private final Ticker ticker;
    private final CountDownLatch closing = new CountDownLatch(1);
    private @Nullable Thread thread;

    private volatile Answer answer;
    private volatile Optional<String> failure = Optional.of("the store has not been asked yet");

    /** Knows nothing before it is started. */
    public StoreProbe(Volumes volumes, Ticker ticker) {
        this.volumes = volumes;
        this.ticker = ticker;
        this.answer = new Answer(new VolumeList(List.of(), List.of()), ticker.nanoTime());
    }

    public void start() {
        thread = Threads.startPlatform("store-probe", this::run);
    }

    private void run() {
        try {
            do {
                ask();
            } while (!closing.await(INTERVAL.toNanos(), TimeUnit.NANOSECONDS));
        } catch (InterruptedException e) {
            Logger.debug("the store's probe was interrupted");
        }
    }

    /** Asks the store, and waits for its answer. */
    void ask() {
        try {
            VolumeList list = volumes.catalog().list();
            answer = new Answer(list, ticker.nanoTime());
            failure = Optional.empty();
        } catch (VolumeException | RuntimeException e) {
            failure = Optional.of("the store fails: " + e.getMessage());
        }
    }

    /** All volumes, as the store had them when it answered last. */
    VolumeList volumes() {
        return answer.volumes();
    }

    /** Why the store does not count as reachable; empty if it does. */
    Optional<String> failure() {
        long silentNanos = ticker.nanoTime() - answer.nanos();
        if (failure.isEmpty() && silentNanos > AGE_MAX.toNanos()) {
            return Optional.of("the store has not answered for " + TimeUnit.NANOSECONDS.toSeconds(silentNanos) + " s");
        }
        return failure;
    }

    @Override
    public void close() {
        closing.countDown();
        if (thread != null) {
            Threads.joinOrWarn(thread, JOIN_DEADLINE);
        }
    }
}
