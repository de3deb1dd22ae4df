package io.fdbnbd.volume;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * The model of a simulated volume: what each unit of it may be, given what was begun and answered. Judges
 *
 * <ul>
 *   <li>every read: a value that was the newest at some moment between the read's beginning and its end;
 *   <li>the store after every commit: what it holds must do if the server dies at this moment;
 *   <li>what of the store is synced, after every sync and every answer: it must do if the power fails at this moment.
 * </ul>
 *
 * <p>A value stops being possible when it is known that another came after it: a write that began after it had ended was
 * answered, or something else was seen. Two writes under way at once may come in any order, until something is seen.
 *
 * <p>Its clock counts what begins and ends. One thread.
 */
final class History {

    private static final long NEVER = Long.MAX_VALUE;

    /** A write; stamp 0 is a zeroing. */
    private static final class Write {
        final long stamp;
        final int first;
        final int end;
        final long began;
        long ended = NEVER;

        Write(long stamp, int first, int end, long began) {
            this.stamp = stamp;
            this.first = first;
            this.end = end;
            this.began = began;
        }
    }

    /** A value that a unit may have. */
    private static final class Value {
        final Write write;

        /** When it was known that no reader may see this any more. */
        long overwritten = NEVER;

        /** Whether this may be what is left if the server dies, and if the power fails. */
        boolean afterDeath = true;

        boolean afterPowerLoss = true;

        Value(Write write) {
            this.write = write;
        }
    }

    private final Function<String, AssertionError> violated;
    private final boolean commitsAreSynced;
    private final List<List<Value>> units = new ArrayList<>();
    private final Map<Long, Write> writes = new HashMap<>();
    private final Map<Long, Long> reads = new HashMap<>();
    private long[] stored;
    private long[] synced;
    private long clock = 1;

    /**
     * A volume of zeroes.
     *
     * @param commitsAreSynced whether whatever is stored survives the loss of power
     */
    History(int unitCount, boolean commitsAreSynced, Function<String, AssertionError> violated) {
        this.commitsAreSynced = commitsAreSynced;
        this.violated = violated;
        this.stored = new long[unitCount];
        this.synced = commitsAreSynced ? stored : new long[unitCount];
        Write nothing = new Write(0, 0, unitCount, 0);
        nothing.ended = 0;
        for (int unit = 0; unit < unitCount; unit++) {
            units.add(new ArrayList<>(List.of(new Value(nothing))));
        }
    }

    int unitCount() {
        return units.size();
    }

    // ---- what clients do

    long beginWrite(long stamp, int first, int end) {
        long id = clock++;
        Write write = new Write(stamp, first, end, id);
        writes.put(id, write);
        for (int unit = first; unit < end; unit++) {
            units.get(unit).add(new Value(write));
        }
        return id;
    }

    /**
     * A write was answered.
     *
     * @param committed whether the answer says that it is in the store
     * @param isSynced whether the answer says that it survives the loss of power
     */
    void endWrite(long id, boolean committed, boolean isSynced) {
        Write write = writes.remove(id);
        if (write == null) {
            throw new IllegalStateException("no such write");
        }
        write.ended = clock++;
        for (int unit = write.first; unit < write.end; unit++) {
            for (Value value : units.get(unit)) {
                boolean before = value.write.ended < write.began;
                if (before && value.overwritten == NEVER) {
                    value.overwritten = clock;
                }
                if (before || value.overwritten <= write.began) {
                    value.afterDeath &= !committed;
                    value.afterPowerLoss &= !(committed && (isSynced || commitsAreSynced));
                }
            }
            settle(unit);
        }
        clock++;
    }

    /** A write was answered with an error: it counts as never answered. */
    void giveUpWrite(long id) {
        writes.remove(id);
    }

    long beginRead() {
        long id = clock++;
        reads.put(id, id);
        return id;
    }

    void giveUpRead(long id) {
        reads.remove(id);
    }

    /** A read of the units from {@code first} was answered. */
    void endRead(long id, int first, long[] stamps) {
        long now = clock++;
        for (int i = 0; i < stamps.length; i++) {
            see(first + i, stamps[i], id, now);
        }
        reads.remove(id);
    }

    private void see(int unit, long stamp, long began, long now) {
        List<Value> values = units.get(unit);
        long seenBegan = NEVER;
        for (Value value : values) {
            if (value.write.stamp == stamp && value.overwritten >= began) {
                seenBegan = Math.min(seenBegan, value.write.began);
            }
        }
        if (seenBegan == NEVER) {
            throw violated.apply("unit " + unit + " was read as " + stamp + " since " + began + ": " + describe(unit));
        }
        // Whatever was over before this read began, or before what it saw began, is older than what it saw.
        long older = Math.max(began, seenBegan);
        for (Value value : values) {
            if (value.write.stamp != stamp && value.overwritten == NEVER && value.write.ended < older) {
                value.overwritten = now;
            }
        }
    }

    long beginFlush() {
        return clock++;
    }

    /** A flush was answered: of what could not be seen any more when it began, nothing may ever come back. */
    void endFlush(long began) {
        for (int unit = 0; unit < units.size(); unit++) {
            for (Value value : units.get(unit)) {
                if (value.overwritten <= began) {
                    value.afterDeath = false;
                    value.afterPowerLoss = false;
                }
            }
            settle(unit);
        }
    }

    // ---- what the store does

    /** A unit was stored. */
    void store(int unit, long stamp) {
        stored[unit] = stamp;
        settle(unit);
    }

    /** What survives the loss of power is this now. */
    void sync(long[] image) {
        synced = image.clone();
        for (int unit = 0; unit < units.size(); unit++) {
            settle(unit);
        }
    }

    /** The volume has a new owner: it is what is stored now, and nothing of the owner before may come any more. */
    void restart(long[] image) {
        long now = clock++;
        writes.clear();
        reads.clear();
        for (int unit = 0; unit < units.size(); unit++) {
            List<Value> values = units.get(unit);
            Write write = new Write(image[unit], unit, unit + 1, now);
            write.ended = now;
            for (Value value : values) {
                value.overwritten = Math.min(value.overwritten, now);
                value.afterDeath = false;
                value.write.ended = Math.min(value.write.ended, now);
            }
            values.add(new Value(write));
        }
        stored = image.clone();
        synced = commitsAreSynced ? stored : synced;
        clock++;
        for (int unit = 0; unit < units.size(); unit++) {
            settle(unit);
        }
    }

    /** The power has failed, and what is left is this. Before {@link #restart}. */
    void losePower(long[] image) {
        synced = image.clone();
        stored = image.clone();
        for (int unit = 0; unit < units.size(); unit++) {
            for (Value value : units.get(unit)) {
                value.afterDeath = value.afterPowerLoss;
            }
            settle(unit);
        }
    }

    /** The same, for a displaced owner to go on with: nothing is stored in this one any more. */
    History fork() {
        History fork = new History(0, commitsAreSynced, violated);
        Map<Write, Write> copies = new HashMap<>();
        for (List<Value> values : units) {
            List<Value> copied = new ArrayList<>();
            for (Value value : values) {
                Value copy = new Value(copies.computeIfAbsent(value.write, History::copy));
                copy.overwritten = value.overwritten;
                copy.afterDeath = value.afterDeath;
                copy.afterPowerLoss = value.afterPowerLoss;
                copied.add(copy);
            }
            fork.units.add(copied);
        }
        writes.forEach((id, write) -> fork.writes.put(id, copies.computeIfAbsent(write, History::copy)));
        fork.reads.putAll(reads);
        fork.stored = stored.clone();
        fork.synced = commitsAreSynced ? fork.stored : synced.clone();
        fork.clock = clock;
        return fork;
    }

    private static Write copy(Write write) {
        Write copy = new Write(write.stamp, write.first, write.end, write.began);
        copy.ended = write.ended;
        return copy;
    }

    /** Judges what is stored of a unit, and forgets what it can not be any more. */
    private void settle(int unit) {
        List<Value> values = units.get(unit);
        boolean storedIsGood = false;
        boolean syncedIsGood = false;
        for (Value value : values) {
            storedIsGood |= value.afterDeath && value.write.stamp == stored[unit];
            syncedIsGood |= value.afterPowerLoss && value.write.stamp == synced[unit];
        }
        if (!storedIsGood) {
            throw violated.apply("unit " + unit + " is " + stored[unit] + " in the store: " + describe(unit));
        }
        if (!syncedIsGood) {
            throw violated.apply("unit " + unit + " is " + synced[unit] + " where it is synced: " + describe(unit));
        }
        if (values.size() > 8) {
            long oldest =
                    reads.values().stream().mapToLong(Long::longValue).min().orElse(NEVER);
            values.removeIf(value -> value.overwritten < oldest
                    && value.overwritten != NEVER
                    && !value.afterDeath
                    && !value.afterPowerLoss);
        }
    }

    private String describe(int unit) {
        StringBuilder text = new StringBuilder("of the writes");
        for (Value value : units.get(unit)) {
            Write write = value.write;
            text.append("\n  ")
                    .append(write.stamp)
                    .append(" from ")
                    .append(write.began)
                    .append(write.ended == NEVER ? " on, not answered" : " to " + write.ended)
                    .append(value.overwritten == NEVER ? "" : ", overwritten by " + value.overwritten)
                    .append(value.afterDeath ? ", may be stored" : "")
                    .append(value.afterPowerLoss ? ", may be synced" : "");
        }
        return text.toString();
    }

    @Override
    public String toString() {
        return "stored " + Arrays.toString(stored);
    }
}
