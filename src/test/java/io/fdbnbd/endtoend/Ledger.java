package io.fdbnbd.endtoend;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;

/**
 * What each sector of a volume may hold. Operations of several clients overlap as they like; all that is assumed is
 * that one came after another if it was sent after the other had been answered. Then a sector may hold what any
 * operation wrote to it, unless another came after that one and is known to be in effect: for a reader, when it was
 * answered before the read was sent; after a crash, when it is durable.
 *
 * <p>Any thread; one lock guards everything.
 */
final class Ledger {
    private static final long NEVER = Long.MAX_VALUE;

    /** A write, or a zeroing whose {@link #id} is {@link Stamp#ZEROES}. All times are of the ledger's clock. */
    static final class Operation {
        final long id;
        final long sentAt;
        private long answeredAt = NEVER;
        private boolean durable;

        private Operation(long id, long sentAt) {
            this.id = id;
            this.sentAt = sentAt;
        }

        @Override
        public String toString() {
            return (id == Stamp.ZEROES ? "zeroing" : "write " + id) + " sent at " + sentAt
                    + (answeredAt == NEVER ? " and not answered" : " answered at " + answeredAt)
                    + (durable ? " with FUA" : "");
        }
    }

    private interface InEffect {
        boolean test(Operation operation);
    }

    private final String volume;
    private final AtomicLong clock = new AtomicLong(1);
    private final ReentrantLock lock = new ReentrantLock();

    // Guarded by lock.
    private final List<List<Operation>> sectors = new ArrayList<>();
    private long flushedBefore;

    /** A volume of zeroes. */
    Ledger(String volume, int sectorCount) {
        this.volume = volume;
        Operation nothing = settled(Stamp.ZEROES);
        for (int i = 0; i < sectorCount; i++) {
            sectors.add(new ArrayList<>(List.of(nothing)));
        }
    }

    private static Operation settled(long id) {
        Operation operation = new Operation(id, 0);
        operation.answeredAt = 0;
        operation.durable = true;
        return operation;
    }

    String volume() {
        return volume;
    }

    int sectorCount() {
        return sectors.size();
    }

    /** The time for something that is about to be sent. */
    long now() {
        return clock.incrementAndGet();
    }

    /** Records a write before it is sent. */
    Operation write(int first, int count) {
        long sentAt = now();
        return record(new Operation(sentAt, sentAt), first, count);
    }

    /** Records a TRIM or WRITE_ZEROES before it is sent. */
    Operation zero(int first, int count) {
        return record(new Operation(Stamp.ZEROES, now()), first, count);
    }

    private Operation record(Operation operation, int first, int count) {
        lock.lock();
        try {
            for (int i = first; i < first + count; i++) {
                sectors.get(i).add(operation);
            }
            return operation;
        } finally {
            lock.unlock();
        }
    }

    void answered(Operation operation, boolean durable) {
        lock.lock();
        try {
            operation.answeredAt = now();
            operation.durable = durable;
        } finally {
            lock.unlock();
        }
    }

    /** A FLUSH sent at {@code sentAt} was answered: what was answered before that is durable. */
    void flushed(long sentAt) {
        lock.lock();
        try {
            flushedBefore = Math.max(flushedBefore, sentAt);
        } finally {
            lock.unlock();
        }
    }

    /** Whether something was answered that a crash may undo. */
    boolean hasVolatile() {
        lock.lock();
        try {
            return sectors.stream()
                    .flatMap(List::stream)
                    .anyMatch(operation -> operation.answeredAt != NEVER
                            && !operation.durable
                            && operation.answeredAt >= flushedBefore);
        } finally {
            lock.unlock();
        }
    }

    /** The server ended in order: every answer counts. */
    void endedInOrder() {
        flushed(now());
    }

    /** Fails unless a READ sent at {@code sentAt} may have brought {@code data}. */
    void checkRead(long sentAt, int first, byte[] data) {
        lock.lock();
        try {
            check(first, data, operation -> operation.answeredAt < sentAt, "a READ sent at " + sentAt);
        } finally {
            lock.unlock();
        }
    }

    /** Fails unless {@code data} may have survived; what has survived is then all that there is. */
    void checkSurvivors(int first, byte[] data) {
        lock.lock();
        try {
            check(
                    first,
                    data,
                    operation -> operation.durable || operation.answeredAt < flushedBefore,
                    "after the restart, flushed before " + flushedBefore);
            for (int i = 0; i < data.length / Stamp.SECTOR_BYTES; i++) {
                long id = Stamp.operation(data, i * Stamp.SECTOR_BYTES, first + i);
                sectors.set(first + i, new ArrayList<>(List.of(settled(id))));
            }
        } finally {
            lock.unlock();
        }
    }

    private void check(int first, byte[] data, InEffect inEffect, String when) {
        for (int i = 0; i < data.length / Stamp.SECTOR_BYTES; i++) {
            int at = i * Stamp.SECTOR_BYTES;
            List<Operation> history = sectors.get(first + i);
            long id = Stamp.operation(data, at, first + i);
            if (id == Stamp.DAMAGED || !allows(history, id, inEffect)) {
                throw new AssertionError(
                        complaint(history, first + i, Arrays.copyOfRange(data, at, at + Stamp.SECTOR_BYTES), id, when));
            }
        }
    }

    private static boolean allows(List<Operation> history, long id, InEffect inEffect) {
        long newest = 0;
        for (Operation operation : history) {
            if (inEffect.test(operation)) {
                newest = Math.max(newest, operation.sentAt);
            }
        }
        for (Operation operation : history) {
            if (operation.id == id && operation.answeredAt >= newest) {
                return true;
            }
        }
        return false;
    }

    private String complaint(List<Operation> history, int sector, byte[] bytes, long id, String when) {
        String what = id == Stamp.DAMAGED
                ? "what nobody wrote there: " + HexFormat.of().formatHex(bytes)
                : id == Stamp.ZEROES ? "zeroes" : "write " + id;
        return "sector " + sector + " of volume " + volume + " holds " + what + "; " + when + "; its history: "
                + history;
    }
}
