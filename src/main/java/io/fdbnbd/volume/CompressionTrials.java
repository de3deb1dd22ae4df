package io.fdbnbd.volume;

/**
 * Which blocks are worth a try to compress them: all, until so few have shrunk that the tries cost more than they gain;
 * then one now and then, to find out when that changes. Neighbours are alike, so what the last ones did says what the next
 * will do. Belongs to the thread that encodes.
 */
final class CompressionTrials {

    /** Where fewer than one in so many shrinks, most are passed over. */
    private static final int FAILURES_FOR_A_SUCCESS = 8;

    /** How many more failures that takes: so many that it does not happen by chance where every fourth shrinks. */
    private static final int DEBT_MAX = 64;

    /** Then so many are passed over for each one that is tried: a run that shrinks is found soon. */
    static final int PASSED_OVER = 15;

    private int debt;
    private int passedOver;

    /** Whether to try the next block; {@link #tried} tells how that went. */
    boolean isDue() {
        if (debt == DEBT_MAX && passedOver < PASSED_OVER) {
            passedOver++;
            return false;
        }
        passedOver = 0;
        return true;
    }

    void tried(boolean shrank) {
        debt = shrank ? Math.max(0, debt - FAILURES_FOR_A_SUCCESS) : Math.min(DEBT_MAX, debt + 1);
    }
}
