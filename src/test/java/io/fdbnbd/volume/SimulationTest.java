package io.fdbnbd.volume;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.fail;

import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Runs {@link Simulation}s: a fixed set of seeds, or what {@code tools/simulate} asks for by {@code -Dfdbnbd.seed=N}
 * (the first) and {@code -Dfdbnbd.simulate.seconds=N} (for how long; 0 is one seed).
 *
 * <p>The kinds of errors that it finds, within some hundred seeds and most of them within ten:
 *
 * <ul>
 *   <li>a block in two transactions that may both land; a range cleared beside a write of it; a transaction tried again
 *       while an earlier attempt may still land; an unknown outcome taken for a commit;
 *   <li>a write answered before it has committed or been synced; a flush that forgets an entry, or ends before an older
 *       one; a volume that is closed with something left in its buffer;
 *   <li>a block that leaves the buffer before its commit, or is read past the buffer; a partial block completed from a
 *       stale base, or laid over in the wrong order; a caller's buffer used after the answer;
 *   <li>data committed or read without the guard; an owner key that is overwritten unseen, adopted from another, or
 *       shared by two acquisitions; a takeover that does not wait until the owner before is silent;
 *   <li>a checksum that does not match, a value torn in the store, an answer given twice, threads that wait for each
 *       other for ever.
 * </ul>
 *
 * <p>It does not find what needs two threads inside the same few instructions at once, or a memory model weaker than
 * one order of everything; nor errors of a real store, or of what lies between a client and a volume.
 */
class SimulationTest {

    private static final long SEED = 20261123;
    private static final int SEEDS = 1000;
    private static final int TRACE_LINES = 60;
    private static final long TELL_EVERY_NANOS = TimeUnit.SECONDS.toNanos(30);

    private final PrintStream log = System.err;

    /** Volumes that fail say so in the log, and here they do all the time. */
    @BeforeEach
    void silenceTheLog() {
        System.setErr(new PrintStream(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8));
    }

    @AfterEach
    void restoreTheLog() {
        System.setErr(log);
    }

    @Test
    void nothingAcknowledgedIsLost() {
        long first = Long.getLong("fdbnbd.seed", SEED);
        Integer seconds = Integer.getInteger("fdbnbd.simulate.seconds");
        long began = System.nanoTime();
        long toldAt = began;
        long seeds = 0;
        do {
            run(first + seeds);
            seeds++;
            if (System.nanoTime() - toldAt > TELL_EVERY_NANOS) {
                toldAt = System.nanoTime();
                tell(first, seeds, toldAt - began);
            }
        } while (seconds == null ? seeds < SEEDS : System.nanoTime() - began < TimeUnit.SECONDS.toNanos(seconds));
        tell(first, seeds, System.nanoTime() - began);
    }

    private static void tell(long first, long seeds, long nanos) {
        double seconds = nanos / 1e9;
        System.out.printf("%d seeds from %d on in %.1f s, %.0f a second%n", seeds, first, seconds, seeds / seconds);
    }

    @Test
    void aSeedAlwaysDoesTheSame() {
        for (long seed = SEED; seed < SEED + 50; seed++) {
            assertEquals(new Simulation(seed, false).run(), new Simulation(seed, true).run(), "seed " + seed);
        }
    }

    private static void run(long seed) {
        try {
            new Simulation(seed, false).run();
        } catch (AssertionError e) {
            fail(report(seed), e);
        }
    }

    /** What happened, by letting it happen again. */
    private static String report(long seed) {
        Simulation again = new Simulation(seed, true);
        String what = "nothing, the second time: the simulation is not deterministic";
        try {
            again.run();
        } catch (AssertionError e) {
            what = e.getMessage();
        }
        int lines = again.trace().size();
        String trace = String.join("\n", again.trace().subList(Math.max(0, lines - TRACE_LINES), lines));
        return "seed " + seed + ": " + what + "\n" + again.plan() + "\n" + trace + "\nreplay it: tools/simulate --seed "
                + seed;
    }
}
