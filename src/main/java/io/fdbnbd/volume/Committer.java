package io.fdbnbd.volume;

import io.fdbnbd.metrics.Measure;
import io.fdbnbd.metrics.Meter;
import io.fdbnbd.store.Batch;
import io.fdbnbd.store.StoreLimits;
import io.fdbnbd.util.Ticker;
import io.fdbnbd.util.Turns;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * Turns dirty blocks into bounded transactions. One thread a volume, {@code commit-NAME}: it drains the queue of blocks
 * that became dirty, sorts them into a lot, cuts the lot into batches of counted bytes and launches them, as many at
 * once as the window allows. It batches what has arrived and never waits for more to arrive.
 *
 * <p>A lot is finished before the next one begins, so that no block waits for more than one lot ahead of it, however
 * often lower-numbered blocks are rewritten. Blocks that can not go yet join the next lot.
 *
 * <p>The lists are the committer thread's own; everything else may be shared.
 */
final class Committer {

    /** Ranges cleared in one transaction; each costs a store a search of its own. */
    private static final int CLEARS_MAX = 64;

    private final BlockCodec codec;
    private final AllocationMap map;
    private final int layer;
    private final WriteBuffer buffer;
    private final Flights flights;
    private final CommitWindow window;
    private final Ticker ticker;
    private final Executor flightExecutor;
    private final long batchBytesTarget;
    private final long blockBytesCounted;
    private final Announcements announcements;
    private final Turns turns;
    private final Meter meter;

    private final List<DirtyBlock> arrived = new ArrayList<>();
    private final List<DirtyBlock> deferred = new ArrayList<>();

    // What of the current lot has not been launched yet.
    private List<DirtyBlock> lot = new ArrayList<>();

    private volatile boolean stopping;

    /** @param flightExecutor runs transactions; {@code Runnable::run} where they are best run one after the other */
    Committer(
            VolumeInfo info,
            BlockCodec codec,
            StoreLimits limits,
            WriteBuffer buffer,
            Flights flights,
            Announcements announcements,
            Executor flightExecutor,
            Ticker ticker,
            Takeover.Pause pause,
            Meter meter) {
        this.codec = codec;
        this.map = new AllocationMap(info);
        this.layer = info.layer();
        this.buffer = buffer;
        this.flights = flights;
        this.window = new CommitWindow(limits, ticker);
        this.ticker = ticker;
        this.turns = new Turns(pause::of);
        this.flightExecutor = flightExecutor;
        this.batchBytesTarget = limits.batchBytesTarget();
        this.blockBytesCounted =
                Batch.countedSet(Keys.DATA_KEY_BYTES, codec.valueBytesMax()) + AllocationMap.BLOCK_BYTES_COUNTED;
        this.announcements = announcements;
        this.meter = meter;
    }

    /** How much of this volume is on its way to the store. Any thread. */
    CommitWindow window() {
        return window;
    }

    /** The committer's thread. */
    void run() {
        try {
            boolean launched = true;
            while (!isFinished()) {
                if (!launched) {
                    turns.waited();
                    int before = arrived.size();
                    announcements.await(this::arrive);
                    noteTaken(before);
                }
                launched = launch();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            flights.fail(new VolumeException(VolumeException.Kind.SHUTTING_DOWN, "the committer was interrupted", e));
        } catch (RuntimeException | Error e) {
            flights.fail(new VolumeException(VolumeException.Kind.IO, "the committer failed: " + e, e));
            throw e;
        }
    }

    /** Lets the committer end once everything announced before has landed, or the volume has failed. */
    void stop() {
        stopping = true;
        announcements.wakeUp();
    }

    private boolean isFinished() {
        return stopping && window.isIdle() && (buffer.isEmpty() || buffer.isFailed());
    }

    private void arrive(DirtyBlock[] blocks) {
        Collections.addAll(arrived, blocks);
    }

    /** What has arrived since there were so many was taken up now: one look at the clock for all of it. */
    private void noteTaken(int before) {
        if (arrived.size() > before && meter.isOn()) {
            long now = meter.now();
            for (DirtyBlock block : arrived.subList(before, arrived.size())) {
                block.setTakenNanos(now);
            }
        }
    }

    /** Launches what can go now. Returns whether anything did, so that more might. */
    private boolean launch() throws InterruptedException {
        boolean launched = false;
        while (window.hasRoom() && !buffer.isFailed()) {
            // Each time: where flights are serial, this loop goes on for as long as ranges are being cleared.
            int before = arrived.size();
            announcements.drain(this::arrive);
            noteTaken(before);
            if (lot.isEmpty()) {
                nextLot();
            }
            Flight flight = fill();
            if (flight == null) {
                if (arrived.isEmpty()) {
                    return launched;
                }
                // Nothing of the lot was left to commit: it was superseded meanwhile.
                continue;
            }
            launched = true;
            window.launched(flight.batch().countedBytes());
            measure(flight);
            flightExecutor.execute(() -> fly(flight));
            turns.did(flight.batch().countedBytes());
            letOthersRun();
        }
        return launched;
    }

    @SuppressWarnings("ThreadPriorityCheck")
    private void letOthersRun() throws InterruptedException {
        turns.letOthersRun();
        if (Thread.currentThread().isVirtual()) {
            // Those that this carrier has woken, such as the flight.
            Thread.yield();
        }
    }

    private void fly(Flight flight) {
        long began = ticker.nanoTime();
        try {
            flights.fly(flight);
        } finally {
            long nanos = ticker.nanoTime() - began;
            meter.record(Measure.WRITE_COMMIT, nanos, 1);
            window.landed(flight.batch().countedBytes(), nanos);
            announcements.wakeUp();
        }
    }

    private void measure(Flight flight) {
        if (!meter.isOn()) {
            return;
        }
        measureWaits(flight);
        meter.record(Measure.TRANSACTION_BYTES, flight.batch().countedBytes(), 1);
        meter.record(Measure.TRANSACTION_BLOCKS, flight.blocks().size(), 1);
        meter.record(Measure.BUFFER_BYTES, buffer.heldBytes(), 1);
        meter.count(Measure.BLOCKS_COMMITTED, flight.blocks().size());
    }

    private void measureWaits(Flight flight) {
        long queuedNanos = 0;
        long taken = 0;
        for (DirtyBlock block : flight.blocks()) {
            if (block.dirtyNanos() != 0 && block.takenNanos() != 0) {
                queuedNanos = Math.max(queuedNanos, block.takenNanos() - block.dirtyNanos());
                taken = taken == 0 || block.takenNanos() - taken < 0 ? block.takenNanos() : taken;
            }
        }
        if (taken != 0) {
            meter.record(Measure.WRITE_QUEUE, queuedNanos, 1);
            meter.recordSince(Measure.WRITE_WAIT, taken, 1);
        }
    }

    private void nextLot() {
        lot = new ArrayList<>(arrived.size() + deferred.size());
        lot.addAll(deferred);
        lot.addAll(arrived);
        deferred.clear();
        arrived.clear();
        lot.sort(Comparator.comparingLong(DirtyBlock::number));
    }

    /** Freezes as much as fits into one transaction, or returns null if nothing can go now. */
    private @Nullable Flight fill() {
        Batch batch = new Batch();
        AllocationMap.Change change = map.change();
        List<DirtyClear> clears = buffer.launchClears(CLEARS_MAX);
        for (DirtyClear clear : clears) {
            change.clear(clear.first(), clear.end(), batch);
            batch.clearRange(Keys.data(layer, clear.first()), Keys.data(layer, clear.end()));
        }
        List<DirtyBlock> blocks = new ArrayList<>();
        int room = roomFor(batch, change);
        while (room > 0 && !lot.isEmpty()) {
            List<DirtyBlock> candidates = lot.subList(0, Math.min(room, lot.size()));
            flights.completePartial(candidates);
            if (buffer.isFailed()) {
                return null;
            }
            List<DirtyBlock> launched = new ArrayList<>(candidates.size());
            buffer.launchBlocks(candidates, clears, launched, deferred);
            candidates.clear();
            for (DirtyBlock block : launched) {
                encode(block, batch, change);
            }
            blocks.addAll(launched);
            // Compressed blocks leave room for more.
            room = roomFor(batch, change);
        }
        change.addTo(batch);
        return clears.isEmpty() && blocks.isEmpty() ? null : new Flight(batch, clears, blocks);
    }

    private int roomFor(Batch batch, AllocationMap.Change change) {
        if (batch.isEmpty()) {
            // One block always goes: a store's limit holds it, whatever the target says.
            return (int) Math.max(1, batchBytesTarget / blockBytesCounted);
        }
        return (int) ((batchBytesTarget - batch.countedBytes() - change.countedBytes()) / blockBytesCounted);
    }

    private void encode(DirtyBlock block, Batch batch, AllocationMap.Change change) {
        byte[] key = Keys.data(layer, block.number());
        byte[] value = codec.encode(block.number(), block.bytes());
        if (value == null) {
            batch.clear(key);
            change.clear(block.number());
        } else {
            change.store(block.number());
            batch.set(key, value);
        }
    }
}
