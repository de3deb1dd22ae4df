package io.fdbnbd.volume;

import java.time.Duration;
import java.util.Optional;

/**
 * An open volume at this moment, as far as this process knows without asking the store.
 *
 * @param attachedCount connections that have it attached, or wait for that
 * @param epoch grows each time the ownership changes hands, or is renewed
 * @param bufferBytes what the write buffer holds
 * @param changesWaiting how many changes wait for room in it
 * @param windowBytes how much may be in transactions at once, as the store's latency has it now
 * @param inFlightBytes how much is
 * @param stalled how long the store has kept failing; empty if it works
 * @param failure why it can not be served any more
 * @param lost whether that is because another server has taken it over, or it was deleted
 */
public record OpenVolume(
        VolumeInfo info,
        int attachedCount,
        long epoch,
        long bufferBytes,
        long bufferBytesMax,
        int changesWaiting,
        long windowBytes,
        long inFlightBytes,
        int transactionsInFlight,
        Optional<Duration> stalled,
        Optional<String> failure,
        boolean lost) {}
