package io.fdbnbd.volume;

import io.fdbnbd.metrics.Measure;
import io.fdbnbd.metrics.Meter;
import io.fdbnbd.util.ByteBudget;
import java.util.function.BooleanSupplier;

/**
 * The room that a volume's write buffer has: so many bytes of a budget for every entry, taken by a write before it
 * enters, given back when its entry has committed or turned out to be in there already.
 */
final class BufferRoom {

    private final ByteBudget.Share budget;
    private final int entryBytes;
    private final Announcements announcements;
    private final Meter meter;

    /** @param announcements are told that room is waited for */
    BufferRoom(ByteBudget.Share budget, int entryBytes, Announcements announcements, Meter meter) {
        this.budget = budget;
        this.entryBytes = entryBytes;
        this.announcements = announcements;
        this.meter = meter;
    }

    /**
     * Takes room for {@code entries}. Waits for it, first come, first served.
     *
     * @param stillWanted asked after a wait
     * @return false if there will be none any more, or the thread was interrupted, which it stays
     * @throws VolumeException SHUTTING_DOWN, with no room taken, if it is not wanted any more
     */
    boolean take(int entries, BooleanSupplier stillWanted) throws VolumeException {
        long bytes = (long) entries * entryBytes;
        if (budget.tryAcquire(bytes)) {
            return true;
        }
        long began = meter.now();
        announcements.beginWaiting();
        try {
            if (!budget.acquire(bytes)) {
                return false;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        } finally {
            announcements.endWaiting();
        }
        meter.recordSince(Measure.WRITE_ROOM, began, 1);
        requireWanted(entries, stillWanted);
        return true;
    }

    private void requireWanted(int entries, BooleanSupplier stillWanted) throws VolumeException {
        boolean wanted = false;
        try {
            wanted = stillWanted.getAsBoolean();
        } finally {
            give(wanted ? 0 : entries);
        }
        if (!wanted) {
            throw new VolumeException(
                    VolumeException.Kind.SHUTTING_DOWN, "its client hung up while it waited for room in the buffer");
        }
    }

    void give(int entries) {
        if (entries > 0) {
            budget.release((long) entries * entryBytes);
        }
    }

    /** Ends the giving of room for good; who waits for some is told. */
    void refuse() {
        budget.refuse();
    }

    long heldBytes() {
        return budget.heldBytes();
    }
}
