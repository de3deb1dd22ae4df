package io.fdbnbd.store.fdb;

import io.fdbnbd.store.StoreException;
import io.fdbnbd.util.Ticker;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicReference;

/**
 * When the cluster last let this process begin a transaction. Its ratekeeper slows clients down by making them wait for
 * read versions, and commits that bring a version of their own pass it by: so one is asked for now and then, for all of
 * them, and while the cluster does not give it, commits wait.
 *
 * <p>Nothing is read at that version: the answer does not wait for a storage server that is behind. Any thread.
 */
final class Admission {

    /** From this age on the next is asked for, in the background, so that commits seldom have to wait. */
    static final Duration ASK_AGE = Duration.ofMillis(500);

    /** From this age on commits wait. */
    static final Duration AGE_MAX = Duration.ofSeconds(2);

    /** Asks the cluster for a version, and returns when it has given one. */
    interface Ask {
        void run() throws StoreException;
    }

    private final Ticker ticker;
    private final Executor executor;
    private final Ask ask;

    private final AtomicReference<CompletableFuture<Boolean>> underWay = new AtomicReference<>();
    private volatile long admittedNanos;

    /** Makes one that asks on threads of the executor; nobody has been admitted yet. */
    Admission(Ticker ticker, Executor executor, Ask ask) {
        this.ticker = ticker;
        this.executor = executor;
        this.ask = ask;
        this.admittedNanos = ticker.nanoTime() - AGE_MAX.toNanos() - 1;
    }

    /**
     * Waits until the cluster has admitted this process not longer than {@link #AGE_MAX} ago.
     *
     * @return false if it could not be asked: the caller's own transaction will meet the reason
     */
    boolean await() {
        if (!isOlder(ASK_AGE)) {
            return true;
        }
        CompletableFuture<Boolean> answer = ask();
        return !isOlder(AGE_MAX) || answer.join();
    }

    /** Notes that the cluster has given somebody a version just now. */
    void admitted() {
        admittedNanos = ticker.nanoTime();
    }

    /** One at a time, for all who wait. */
    private CompletableFuture<Boolean> ask() {
        CompletableFuture<Boolean> mine = new CompletableFuture<>();
        CompletableFuture<Boolean> others = underWay.compareAndExchange(null, mine);
        if (others != null) {
            return others;
        }
        try {
            executor.execute(() -> end(mine, isAnswered()));
        } catch (RejectedExecutionException e) { // the store is being closed
            end(mine, false);
        }
        return mine;
    }

    private boolean isAnswered() {
        try {
            ask.run();
            admitted();
            return true;
        } catch (StoreException | RuntimeException e) {
            // Whoever waits asks by itself then, and meets it.
            return false;
        }
    }

    private void end(CompletableFuture<Boolean> mine, boolean admitted) {
        underWay.set(null);
        mine.complete(admitted);
    }

    private boolean isOlder(Duration age) {
        return ticker.nanoTime() - admittedNanos > age.toNanos();
    }
}
