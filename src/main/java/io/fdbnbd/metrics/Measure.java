package io.fdbnbd.metrics;

/** What is measured of a volume. The name, in lower case, is what logs and reports call it. */
public enum Measure {
    /** A READ, from the arrival of its request until its reply was given to the socket; so for the other commands. */
    READ(Unit.NANOS),
    WRITE(Unit.NANOS),
    FLUSH(Unit.NANOS),
    TRIM(Unit.NANOS),
    ZEROES(Unit.NANOS),

    /** A stage of a read: what the write buffer had whole. Of reads made together, here and below, it is the time of all. */
    READ_BUFFER(Unit.NANOS),
    /** A stage of a read: what had been read ahead. */
    READ_AHEAD(Unit.NANOS),
    /** A stage of a read: the store had to be asked. */
    READ_STORE(Unit.NANOS),
    /** A stage of a write that came while the buffer was full: waiting for room. */
    WRITE_ROOM(Unit.NANOS),
    /** A stage of a write, for each transaction: from when the oldest of its blocks became dirty until it was taken up. */
    WRITE_QUEUE(Unit.NANOS),
    /** A stage of a write, for each transaction: from when the first of its blocks was taken up until its launch. */
    WRITE_WAIT(Unit.NANOS),
    /** A stage of a write, for each transaction: from its launch until it landed. */
    WRITE_COMMIT(Unit.NANOS),
    /** A time in which the store failed and was asked again, from the first failure until a call worked. */
    STALL(Unit.NANOS),

    /** A transaction's size as FoundationDB counts it, on every store. */
    TRANSACTION_BYTES(Unit.BYTES),
    /** Blocks in a transaction. */
    TRANSACTION_BLOCKS(Unit.BLOCKS),
    /** What the write buffer holds, looked at whenever a transaction is launched. */
    BUFFER_BYTES(Unit.BYTES),

    /** Payload of WRITEs. */
    BYTES_IN(Unit.COUNT),
    /** Payload of replies to READs. */
    BYTES_OUT(Unit.COUNT),
    /** Requests that were answered with an error. */
    ERRORS(Unit.COUNT),
    /** Blocks that clients wrote, each as often as it was written. */
    BLOCKS_WRITTEN(Unit.COUNT),
    /** Blocks that were committed: the two differ by what was coalesced. */
    BLOCKS_COMMITTED(Unit.COUNT),
    /** Calls of the store that were repeated: they surely had no effect. */
    RETRIES_RETRYABLE(Unit.COUNT),
    /** Calls of the store that were repeated: they may have had an effect, and will have none later. */
    RETRIES_UNKNOWN(Unit.COUNT),
    /** Calls of the store that were repeated: their effect may still come. */
    RETRIES_UNRESOLVED(Unit.COUNT),
    /** Calls of the store that were repeated: the owner key had been rewritten by this server itself. */
    RETRIES_GUARD(Unit.COUNT);

    /** What a value is a number of; of a COUNT only how much there was is known. */
    public enum Unit {
        NANOS,
        BYTES,
        BLOCKS,
        COUNT
    }

    private final Unit unit;

    Measure(Unit unit) {
        this.unit = unit;
    }

    public Unit unit() {
        return unit;
    }

    /** Whether it is the time of a whole request. */
    public boolean isCommand() {
        return compareTo(ZEROES) <= 0;
    }
}
