package io.fdbnbd.volume;

import io.fdbnbd.store.Store;
import io.fdbnbd.util.Ticker;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.tinylog.Logger;

/**
 * Decides whether a volume that seems to have an owner may be taken. In a store of one process an owner left behind is
 * dead. In a shared one it is if its lease does not change for {@link #LEASE_LENGTH}, as seen on this machine's monotonic
 * clock. This is manners, not safety: an owner that was taken over too early loses nothing but its ownership.
 */
final class Takeover {

    /** Several heartbeats, and longer than any pause that an owner should survive. */
    static final Duration LEASE_LENGTH = Heartbeat.INTERVAL.multipliedBy(5);

    private static final Duration LOOK_INTERVAL = Duration.ofMillis(500);

    /** How a wait is done, so that a test need not wait. */
    interface Pause {
        void of(Duration duration) throws InterruptedException;

        Pause REAL = duration -> new CountDownLatch(1).await(duration.toNanos(), TimeUnit.NANOSECONDS);
    }

    private final Store store;
    private final boolean atOnce;
    private final Ticker ticker;
    private final Pause pause;

    /** @param atOnce whether the person who runs this server said that living owners are to be displaced */
    Takeover(Store store, boolean atOnce, Ticker ticker, Pause pause) {
        this.store = store;
        this.atOnce = atOnce;
        this.ticker = ticker;
        this.pause = pause;
    }

    /**
     * Returns when a volume with a foreign owner may be taken.
     *
     * @param holder who owns it, for people
     * @throws VolumeException BUSY, naming the owner, if it is alive
     */
    void awaitPermission(VolumeInfo info, String holder, Backoff backoff) throws VolumeException {
        if (!store.isShared() || atOnce) {
            return;
        }
        byte[] seen = lease(info, backoff);
        long since = ticker.nanoTime();
        while (ticker.nanoTime() - since < LEASE_LENGTH.toNanos()) {
            pause(LOOK_INTERVAL);
            byte[] now = lease(info, backoff);
            if (!Arrays.equals(seen, now)) {
                throw new VolumeException(
                        VolumeException.Kind.BUSY,
                        "volume '" + info.name() + "' is attached by " + holder
                                + ": stop that one, or take the volume over with `fdb-nbd serve --take-over`");
            }
        }
    }

    /** For a volume with a foreign owner, once it has been taken: tells, and returns when what is read is the newest. */
    void taken(VolumeInfo info, String holder) throws VolumeException {
        if (!store.isShared()) {
            return;
        }
        if (atOnce) {
            Logger.warn("volume '{}' was taken over from {}", info.name(), holder);
        } else {
            long seconds = LEASE_LENGTH.toSeconds();
            Logger.info("volume '{}' was taken over from {}, silent for {} s", info.name(), holder, seconds);
        }
        awaitSilence();
    }

    /** Returns when a displaced owner serves no more reads by proofs that are older than the takeover. */
    private void awaitSilence() throws VolumeException {
        Duration guardAgeMax = store.limits().guardAgeMax();
        if (!guardAgeMax.isZero()) {
            pause(guardAgeMax);
        }
    }

    private byte @Nullable [] lease(VolumeInfo info, Backoff backoff) throws VolumeException {
        byte[][] lease = new byte[1][];
        Attempts.repeat(Attempts.WHILE_OPENING_MAX, backoff, () -> {
            lease[0] = store.get(Keys.lease(info.layer()));
            return true;
        });
        return lease[0];
    }

    private void pause(Duration duration) throws VolumeException {
        try {
            pause.of(duration);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new VolumeException(VolumeException.Kind.SHUTTING_DOWN, "the server is stopping", e);
        }
    }
}
