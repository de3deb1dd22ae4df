package io.fdbnbd.store;

import static io.fdbnbd.util.Checks.checkArgument;

import java.time.Duration;

/**
 * What a store takes at once. Sizes of batches are counted bytes, by FoundationDB's formula: see {@link Batch}.
 *
 * @param keyBytesMax longest key
 * @param valueBytesMax longest value
 * @param batchBytesMax counted size above which {@link Store#commit} refuses a batch
 * @param batchBytesTarget counted size at which a batch is best closed, at most {@code batchBytesMax}
 * @param commitsInFlightMax calls of {@link Store#commit} that gain from being made at the same time; 1 where commits
 *     are serial anyway
 * @param inFlightBytesMax counted bytes of all batches under way at once for one volume
 * @param readBytesTarget bytes (24 + key + value a row) that one {@link KeyRange} is best cut to, so that it is one
 *     trip to the store
 * @param readAheadBytesMax how much of a volume is worth reading before it is asked for; 0 where the store has most of
 *     it at hand
 * @param guardAgeMax how old a proof that a guard holds may be for it to serve a read
 */
public record StoreLimits(
        int keyBytesMax,
        int valueBytesMax,
        long batchBytesMax,
        long batchBytesTarget,
        int commitsInFlightMax,
        long inFlightBytesMax,
        int readBytesTarget,
        int readAheadBytesMax,
        Duration guardAgeMax) {

    public StoreLimits {
        checkArgument(keyBytesMax >= 1 && valueBytesMax >= 1, "keys and values need room");
        checkArgument(batchBytesTarget <= batchBytesMax, "batchBytesTarget must not exceed batchBytesMax");
        checkArgument(commitsInFlightMax >= 1, "commitsInFlightMax must be at least 1");
        checkArgument(inFlightBytesMax >= batchBytesTarget, "one batch must fit into inFlightBytesMax");
        checkArgument(
                batchBytesTarget >= 69L + 3L * keyBytesMax + valueBytesMax || batchBytesTarget >= 1 << 17,
                "a batch must be able to hold a value of the largest block");
    }
}
