package io.fdbnbd.volume;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;

class CompressionTrialsTest {
    private static final int BLOCKS = 10_000;

    private final CompressionTrials trials = new CompressionTrials();

    /** How many of the next blocks are tried, of which {@code shrinks} tells whether the next one would shrink. */
    private int triedOf(int blocks, BooleanSupplier shrinks) {
        int tried = 0;
        for (int i = 0; i < blocks; i++) {
            boolean would = shrinks.getAsBoolean();
            if (trials.isDue()) {
                tried++;
                trials.tried(would);
            }
        }
        return tried;
    }

    private static BooleanSupplier oneIn(int part) {
        Random random = new Random(part);
        return () -> random.nextInt(part) == 0;
    }

    @Test
    void allAreTriedWhileTheyShrink() {
        assertEquals(BLOCKS, triedOf(BLOCKS, () -> true));
    }

    @Test
    void allAreTriedWhileEveryFourthShrinks() {
        int tried = triedOf(BLOCKS, oneIn(4));
        assertTrue(tried > BLOCKS * 99 / 100, "only " + tried);
    }

    @Test
    void fewAreTriedWhileNoneShrinks() {
        int tried = triedOf(BLOCKS, () -> false);
        assertTrue(tried < BLOCKS / CompressionTrials.PASSED_OVER + 100, tried + " were tried");
        assertTrue(tried > BLOCKS / (CompressionTrials.PASSED_OVER + 2), "only " + tried);
    }

    /** Content at the edge of what is worth it, as fio writes it unless it is told otherwise. */
    @Test
    void fewAreTriedWhileOneInSixteenShrinks() {
        int tried = triedOf(BLOCKS, oneIn(16));
        assertTrue(tried < BLOCKS / 6, tried + " were tried");
    }

    @Test
    void whatBeginsToShrinkIsAllTriedOnceTheFirstWas() {
        triedOf(BLOCKS, () -> false);
        int passedOver = 0;
        while (!trials.isDue()) {
            passedOver++;
        }
        assertTrue(passedOver <= CompressionTrials.PASSED_OVER, passedOver + " were passed over");
        trials.tried(true);
        assertEquals(BLOCKS, triedOf(BLOCKS, () -> true));
    }
}
