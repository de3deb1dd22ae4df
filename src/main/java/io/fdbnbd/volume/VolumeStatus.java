package io.fdbnbd.volume;

import java.time.Instant;
import java.util.Optional;

/**
 * How a volume is at this moment.
 *
 * @param attachedCount connections of this process that have it attached
 * @param owner who has it attached, or had and never let go, for people
 * @param markedBy who said that it may hold answered writes that are not durable, for people: its owner, if that lives;
 *     else it was left unclean
 * @param failure if this process has it attached and can not serve it any more
 */
public record VolumeStatus(
        int attachedCount, Optional<String> owner, Optional<String> markedBy, Optional<Failure> failure) {

    /** Since when, and why, only committed data is read and nothing is written. */
    public record Failure(Instant since, String reason) {}
}
