package io.fdbnbd.volume;

import io.fdbnbd.store.Batch;
import io.fdbnbd.store.Store;
import io.fdbnbd.store.StoreException;
import io.fdbnbd.util.Threads;
import io.fdbnbd.util.Ticker;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.tinylog.Logger;

/**
 * A key in the store that says: this volume may hold writes that were answered and that the end of this process loses.
 * Whoever attaches the volume and finds it knows that a client must not carry on as if nothing had been. It is set,
 * durably, before the first such write is answered, and cleared when the volume has been idle and clean for a while; so
 * it costs something once a burst, and a write in the middle of one a look at a volatile field.
 *
 * <p>No write is answered while the key may be absent, because both sides do first what the other looks for. A writer
 * puts its data into the buffer and then looks whether the state is MARKED. Who clears sets CLEARING and then looks
 * whether the buffer is clean. So either the writer sees that it has to wait for another mark; or it looked before that
 * was set, and then its data was in the buffer before the other looked, who finds it there and clears nothing, or finds
 * it committed and syncs that before it clears.
 *
 * <p>Threads: one platform thread, {@code mark-NAME}, from the first write of a burst until the key is cleared, makes
 * all changes of the key, one after the other, each settled before the next. Who waits does so as a listener.
 */
final class UncleanMark implements AutoCloseable {

    /** Longer than the intervals, mostly 5 s, at which systems write back what they hold: they are one burst. */
    static final Duration IDLE = Duration.ofSeconds(10);

    static final Duration LOOK_INTERVAL = Duration.ofSeconds(1);

    private static final Duration JOIN_DEADLINE = Duration.ofSeconds(5);

    private enum State {
        /** The key is absent, and nobody wants it. */
        CLEAN,
        /** The key may be absent, and will be set. */
        MARKING,
        MARKED,
        /** The key may be absent from any moment on. */
        CLEARING
    }

    private final VolumeInfo info;
    private final Owner owner;
    private final WriteBuffer buffer;
    private final Flights flights;
    private final Ticker ticker;
    private final Duration lookInterval;
    private final CountDownLatch closed = new CountDownLatch(1);
    private final ReentrantLock lock = new ReentrantLock();

    // Written under lock, read without.
    private volatile State state = State.CLEAN;

    // Guarded by lock. What waits is bounded by the requests that each connection may have under way.
    private List<CommitListener> waiting = new ArrayList<>();
    private @Nullable VolumeException failure;
    private @Nullable Thread thread;

    UncleanMark(
            VolumeInfo info, Owner owner, WriteBuffer buffer, Flights flights, Ticker ticker, Duration lookInterval) {
        this.info = info;
        this.owner = owner;
        this.buffer = buffer;
        this.flights = flights;
        this.ticker = ticker;
        this.lookInterval = lookInterval;
    }

    /** Whether what entered the buffer before this call may be answered. Any thread. */
    boolean isSet() {
        return state == State.MARKED;
    }

    /** Tells, now or later, when what entered the buffer before this call may be answered. Any thread; never waits. */
    void whenSet(CommitListener listener) {
        VolumeException known;
        lock.lock();
        try {
            known = failure;
            if (known == null && state != State.MARKED) {
                waiting.add(listener);
                if (state == State.CLEAN) {
                    state = State.MARKING;
                    thread = Threads.startPlatform("mark-" + info.name(), this::run);
                }
                return;
            }
        } finally {
            lock.unlock();
        }
        listener.committed(known);
    }

    private void run() {
        try {
            do {
                flights.commit(new Batch().set(Keys.mark(info.layer()), owner.identity()));
                flights.sync(Integer.MAX_VALUE);
                marked();
            } while (clearWhenIdle());
        } catch (VolumeException e) {
            fail(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            fail(new VolumeException(VolumeException.Kind.SHUTTING_DOWN, "the server is stopping", e));
        } catch (RuntimeException | Error e) {
            fail(new VolumeException(VolumeException.Kind.IO, "the volume could not be marked: " + e, e));
            throw e;
        }
    }

    private void marked() {
        List<CommitListener> told;
        lock.lock();
        try {
            state = State.MARKED;
            told = takeWaiting();
        } finally {
            lock.unlock();
        }
        // What failed meanwhile is not to be answered as if it had not.
        tell(told, buffer.failure());
    }

    /** Returns whether somebody wants the key again; false if it is absent, or stays because the volume ends. */
    private boolean clearWhenIdle() throws VolumeException, InterruptedException {
        long writes = buffer.writeCount();
        long idleSince = ticker.nanoTime();
        while (!buffer.isFailed() && !closed.await(lookInterval.toNanos(), TimeUnit.NANOSECONDS)) {
            long seen = buffer.writeCount();
            long now = ticker.nanoTime();
            if (seen != writes || !buffer.isEmpty()) {
                writes = seen;
                idleSince = now;
            } else if (now - idleSince >= IDLE.toNanos() && clear()) {
                return !endUnlessWanted();
            }
        }
        return false;
    }

    /** Returns false, with the key still there, if the volume is not clean. */
    private boolean clear() throws VolumeException {
        state(State.CLEARING);
        if (buffer.isEmpty()) {
            flights.sync(Integer.MAX_VALUE);
            if (!buffer.isFailed()) {
                flights.commit(new Batch().clear(Keys.mark(info.layer())));
                return true;
            }
        }
        marked();
        return false;
    }

    private void state(State next) {
        lock.lock();
        try {
            state = next;
        } finally {
            lock.unlock();
        }
    }

    private boolean endUnlessWanted() {
        lock.lock();
        try {
            boolean ends = waiting.isEmpty();
            state = ends ? State.CLEAN : State.MARKING;
            return ends;
        } finally {
            lock.unlock();
        }
    }

    private void fail(VolumeException cause) {
        flights.fail(cause);
        List<CommitListener> told;
        lock.lock();
        try {
            failure = cause;
            state = State.MARKING;
            told = takeWaiting();
        } finally {
            lock.unlock();
        }
        tell(told, cause);
    }

    private List<CommitListener> takeWaiting() {
        List<CommitListener> taken = waiting;
        waiting = new ArrayList<>();
        return taken;
    }

    private static void tell(List<CommitListener> told, @Nullable VolumeException failure) {
        for (CommitListener listener : told) {
            listener.committed(failure);
        }
    }

    /** Ends the thread and leaves the key as it is: who gives the volume up clears it with that. */
    @Override
    public void close() {
        closed.countDown();
        Thread running;
        lock.lock();
        try {
            running = thread;
        } finally {
            lock.unlock();
        }
        if (running != null) {
            Threads.joinOrWarn(running, JOIN_DEADLINE);
        }
    }

    /** What the key says when a volume is attached: who left it so, in the form of the owner key. */
    static Owner.Standing left(Store store, VolumeInfo info) throws StoreException {
        return new Owner.Standing(store.get(Keys.mark(info.layer())));
    }

    /** Why a volume is refused that was left unclean. */
    static VolumeException refusal(VolumeInfo info, Owner.Standing left) {
        return new VolumeException(
                VolumeException.Kind.UNCLEAN,
                "volume '" + info.name() + "' was left unclean by " + left.holder()
                        + ", and may lack writes that were answered and not flushed: restart what uses it (crash that"
                        + " machine, or unmount and mount), then say so with `fdb-nbd volume recover '" + info.name()
                        + "'` or `fdb-nbd serve --on-unclean=accept`");
    }

    static void accept(VolumeInfo info, Owner.Standing left) {
        Logger.warn(
                "volume '{}' was left unclean by {}, and is accepted: it may lack writes that were answered and not"
                        + " flushed",
                info.name(),
                left.holder());
    }
}
