package io.fdbnbd.volume;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fdbnbd.volume.FlushEpochs.Epoch;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class FlushEpochsTest {

    private final FlushEpochs epochs = new FlushEpochs();

    @Test
    void nothingDirtyIsOverAtOnce() {
        assertTrue(epochs.close().isOver());
        assertTrue(epochs.close().isOver());
    }

    @Test
    void anEpochIsOverWhenItsLastEntryLeaves() {
        Epoch one = epochs.enter();
        Epoch two = epochs.enter();
        Epoch flush = epochs.close();
        assertFalse(epochs.leave(one));
        assertFalse(flush.isOver());
        assertTrue(epochs.leave(two));
        assertTrue(flush.isOver());
    }

    @Test
    void whatEntersLaterIsNotWaitedFor() {
        Epoch before = epochs.enter();
        Epoch flush = epochs.close();
        Epoch after = epochs.enter();
        assertNotSame(before, after);
        assertTrue(epochs.leave(before));
        assertTrue(flush.isOver());
        assertFalse(epochs.leave(after), "no flush waits for this one");
    }

    @Test
    void anEpochIsNotOverBeforeThoseBeforeIt() {
        Epoch first = epochs.enter();
        Epoch firstFlush = epochs.close();
        Epoch second = epochs.enter();
        Epoch secondFlush = epochs.close();
        assertFalse(epochs.leave(second));
        assertFalse(secondFlush.isOver());
        assertTrue(epochs.leave(first));
        assertTrue(firstFlush.isOver());
        assertTrue(secondFlush.isOver());
    }

    @Test
    void flushesWithNothingBetweenShareAnEpoch() {
        Epoch entry = epochs.enter();
        Epoch flush = epochs.close();
        assertSame(flush, epochs.close());
        epochs.leave(entry);
        assertTrue(flush.isOver());
        assertTrue(epochs.close().isOver());
    }

    @Test
    void anEntryLeavesOnce() {
        Epoch entry = epochs.enter();
        epochs.leave(entry);
        assertThrows(IllegalStateException.class, () -> epochs.leave(entry));
    }

    @Test
    void whatIsMergedStaysWithTheOlder() {
        Epoch old = epochs.enter();
        Epoch flush = epochs.close();
        Epoch young = epochs.enter();
        assertSame(old, epochs.merge(young, old));
        assertFalse(flush.isOver());
        assertFalse(epochs.close().isOver());
        assertTrue(epochs.leave(old));
        assertTrue(flush.isOver());
    }

    private static Epoch take(Map<Integer, Epoch> dirty, int entry) {
        return Objects.requireNonNull(dirty.remove(entry));
    }

    /** Against a model: a flush is over exactly when all that had entered before it has left or merged away. */
    @Test
    void aFlushIsOverExactlyWhenAllBeforeItHasLeft() {
        long seed = Long.getLong("fdbnbd.seed", 3);
        System.out.println("FlushEpochsTest: fdbnbd.seed=" + seed);
        Random random = new Random(seed);
        NavigableMap<Integer, Epoch> dirty = new TreeMap<>();
        List<Epoch> flushes = new ArrayList<>();
        List<Set<Integer>> awaited = new ArrayList<>();
        int next = 0;
        for (int i = 0; i < 20_000; i++) {
            List<Integer> entries = new ArrayList<>(dirty.keySet());
            switch (random.nextInt(entries.size() > 30 ? 6 : 4)) {
                case 0, 1 -> dirty.put(next++, epochs.enter());
                case 2 -> {
                    flushes.add(epochs.close());
                    awaited.add(new HashSet<>(entries));
                }
                case 3 -> {
                    if (entries.size() >= 2) {
                        int older = entries.get(random.nextInt(entries.size() - 1));
                        int newer = entries.getLast();
                        dirty.put(older, epochs.merge(take(dirty, older), take(dirty, newer)));
                        awaited.stream().filter(set -> set.contains(newer)).forEach(set -> set.add(older));
                        awaited.forEach(set -> set.remove(newer));
                    }
                }
                default -> {
                    int gone = entries.get(random.nextInt(entries.size()));
                    epochs.leave(take(dirty, gone));
                    awaited.forEach(set -> set.remove(gone));
                }
            }
            for (int flush = 0; flush < flushes.size(); flush++) {
                assertEquals(awaited.get(flush).isEmpty(), flushes.get(flush).isOver(), "step " + i);
            }
            while (!flushes.isEmpty() && flushes.getFirst().isOver()) {
                flushes.removeFirst();
                awaited.removeFirst();
            }
        }
    }
}
