package io.fdbnbd.volume;

/** A moment in the life of a volume, see {@link Volume#flushPoint}. Immutable. */
public final class FlushPoint {

    private final FlushEpochs.Epoch epoch;

    FlushPoint(FlushEpochs.Epoch epoch) {
        this.epoch = epoch;
    }

    FlushEpochs.Epoch epoch() {
        return epoch;
    }
}
