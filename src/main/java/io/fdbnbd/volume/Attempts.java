package io.fdbnbd.volume;

import io.fdbnbd.store.StoreException;
import io.fdbnbd.store.StoreException.Kind;
import java.util.EnumSet;
import java.util.Set;

/** Repeats calls of the store whose failure passes. */
final class Attempts {

    /** Failures after which a call that is safe to repeat may work. */
    static final Set<Kind> PASSING = EnumSet.of(Kind.RETRYABLE, Kind.UNKNOWN_OUTCOME, Kind.UNRESOLVED_OUTCOME);

    /** Attempts of each call while a volume is opened or closed and somebody waits for it: some seconds. */
    static final int WHILE_OPENING_MAX = 10;

    interface Call<T> {
        T make() throws StoreException, VolumeException;
    }

    private Attempts() {}

    /**
     * Makes a call, and makes it again while it fails in a way that passes.
     *
     * @param max how often at most, counting the first
     * @throws VolumeException the call's own; the last failure, once it has had its attempts; or one that does not pass
     */
    static <T> T repeat(int max, Backoff backoff, Call<T> call) throws VolumeException {
        for (int attempt = 0; ; attempt++) {
            try {
                return call.make();
            } catch (StoreException e) {
                if (!PASSING.contains(e.kind()) || attempt == max - 1) {
                    throw VolumeException.of(e);
                }
            }
            backoff.pause(attempt);
        }
    }

    /** As {@link #repeat}, of an open volume: a stall is told to who runs the server. */
    static <T> T repeat(int max, Backoff backoff, Stall stall, Call<T> call) throws VolumeException {
        T result = repeat(max, backoff, () -> {
            try {
                return call.make();
            } catch (StoreException e) {
                if (PASSING.contains(e.kind())) {
                    stall.failed(e);
                }
                throw e;
            }
        });
        stall.worked();
        return result;
    }
}
