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
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.tinylog.Logger;

/**
 * Turns dirty blocks into bounded transactions. One thread a volume, {@code commit-NAME}: it drains the queue of blocks
 * that became dirty, sorts them into a lot, cuts the lot into batches of counted bytes and launches them, as many at
 * once as the window allows. It batches what has arrived and never waits for more to arrive. Where a store never makes
 * anybody wait, those who write much do the same in its place ({@link #commitHere}), one at a time.
 *
 * <p>A lot is finished before the next one begins, so that no block waits for more than one lot ahead of it, however
 * often lower-numbered blocks are rewritten. Blocks that can not go yet join the next lot.
 *
 * <p>The lists are of whoever has the turn; everything else may be shared.
 */
final class Committer {

    /** Ranges cleared in one transaction; each costs a store a search of its own. */
    private static final int CLEARS_MAX = 64;

    /** What somebody who writes commits of others' writes, too, before the committer's thread has to go on. */
    private static final long COMMIT_HERE_BYTES_MAX = 1 << 20;

    private final BlockCodec codec;
    private final AllocationMap map;
    private final int layer;
    private final WriteBuffer buffer;
    private final Flights flights;
    private final CommitWindow window;
    private final Ticker ticker;
    private final @Nullable Executor flightExecutor;
    private final long batchBytesTarget;
    private final long blockBytesCounted;
    private final Announcements announcements;
    private final Turns turns;
    private final Meter meter;

    /** Whose turn it is to drain and launch. */
    private final ReentrantLock turn = new ReentrantLock();

    // Guarded by turn.
    private final List<DirtyBlock> arrived = new ArrayList<>();
    private final List<DirtyBlock> deferred = new ArrayList<>();

    // What of the current lot has not been launched yet.
    private List<DirtyBlock> lot = new ArrayList<>();

    private volatile boolean stopping;

    /** @param flightExecutor runs transactions; null where they are best run one after the other, by who launches */
    Committer(
            VolumeInfo info,
            BlockCodec codec,
            StoreLimits limits,
            WriteBuffer buffer,
            Flights flights,
            Announcements announcements,
            @Nullable Executor flightExecutor,
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
            // Each time after a look at what was announced: what comes later ends the waiting.
            for (long bytes = launchInTurn(); !isFinished(); bytes = launchInTurn()) {
                if (bytes > 0) {
                    turns.did(bytes);
                    letOthersRun();
                } else {
                    turns.waited();
                    announcements.await();
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            flights.fail(new VolumeException(VolumeException.Kind.SHUTTING_DOWN, "the committer was interrupted", e));
        }
    }

    private long launchInTurn() {
        turn.lock();
        try {
            return launch();
        } finally {
            turn.unlock();
        }
    }

    /**
     * Commits on this thread what was left to those who announced it, unless another does so already, who then commits
     * this as well. Any thread.
     *
     * @return the counted bytes of what was committed
     */
    long commitHere() {
        long bytes = 0;
        // Again after each turn: who announced something meanwhile had none.
        while (announcements.isLeft() && turn.tryLock()) {
            try {
                for (long more = launch(); more > 0; more = launch()) {
                    bytes += more;
                    if (bytes >= COMMIT_HERE_BYTES_MAX) {
                        announcements.wakeUp();
                        return bytes;
                    }
                }
            } catch (RuntimeException e) {
                // The volume has failed, which all who wait have been told: the connection serves on, with errors.
                Logger.error(e, "a commit failed because of a bug in this program");
            } finally {
                turn.unlock();
            }
        }
        return bytes;
    }

    /** Lets the committer end once everything announced before has landed, or the volume has failed. */
    void stop() {
        stopping = true;
        announcements.wakeUp();
    }

    private boolean isFinished() {
        return stopping && window.isIdle() && (buffer.isEmpty() || buffer.isFailed());
    }

    /** What has been announced is taken up now: one look at the clock for all of it. */
    private void take() {
        int before = arrived.size();
        announcements.drain(blocks -> Collections.addAll(arrived, blocks));
        if (arrived.size() > before && meter.isOn()) {
            long now = meter.now();
            for (DirtyBlock block : arrived.subList(before, arrived.size())) {
                block.setTakenNanos(now);
            }
        }
    }

    /** Launches one transaction, if one can go now. Returns its counted bytes, or 0. Guarded by turn. */
    private long launch() {
        try {
            // Each time: launching goes on for as long as ranges are being cleared.
            take();
            while (window.hasRoom() && !buffer.isFailed()) {
                if (lot.isEmpty()) {
                    nextLot();
                }
                Flight flight = fill();
                if (flight != null) {
                    launch(flight);
                    return flight.batch().countedBytes();
                }
                if (arrived.isEmpty()) {
                    return 0;
                }
                // Nothing of the lot was left to commit: it was superseded meanwhile.
            }
            return 0;
        } catch (RuntimeException | Error e) {
            flights.fail(new VolumeException(VolumeException.Kind.IO, "the committer failed: " + e, e));
            throw e;
        }
    }

    private void launch(Flight flight) {
        window.launched(flight.batch().countedBytes());
        measure(flight);
        if (flightExecutor == null) {
            fly(flight);
            return;
        }
        flightExecutor.execute(() -> {
            try {
                fly(flight);
            } finally {
                announcements.wakeUp();
            }
        });
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
