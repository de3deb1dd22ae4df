package io.fdbnbd.endtoend;

import io.fdbnbd.server.ListenAddress;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** Some clients at work on several volumes, until the server ends. */
final class Load implements LoadClient.Listener {
    private static final int CLIENTS_PER_VOLUME = 3;
    private static final int ANSWERS_BEFORE_BURST_MAX = 4000;
    private static final int MOMENT_SECONDS_MAX = 300;

    private final List<LoadClient> clients = new ArrayList<>();
    private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
    private final CountDownLatch answersBeforeBurst;
    private final AtomicBoolean decided = new AtomicBoolean();
    private final CountDownLatch moment = new CountDownLatch(1);
    private final LoadClient.Decisive decisive;
    private final Runnable end;
    private volatile boolean ending;

    /**
     * Draws the moment of the burst.
     *
     * @param decisive what {@code end} is to follow
     * @param end begins the end of the server; run once, by one of the clients' threads, without a moment's delay
     */
    Load(Random random, LoadClient.Decisive decisive, Runnable end) {
        boolean early = random.nextInt(4) == 0;
        this.answersBeforeBurst = new CountDownLatch(1 + random.nextInt(early ? 100 : ANSWERS_BEFORE_BURST_MAX));
        this.decisive = decisive;
        this.end = end;
    }

    void start(List<ListenAddress> addresses, List<Ledger> ledgers, boolean answersWhenCommitted, Random random)
            throws IOException {
        for (int i = 0; i < CLIENTS_PER_VOLUME; i++) {
            for (Ledger ledger : ledgers) {
                ListenAddress address = addresses.get(i % addresses.size());
                Random own = new Random(random.nextLong());
                clients.add(LoadClient.start(address, ledger, answersWhenCommitted, decisive, own, this));
            }
        }
    }

    /** Returns when the server's end has begun. */
    void awaitEnd() throws InterruptedException {
        if (!moment.await(MOMENT_SECONDS_MAX, TimeUnit.SECONDS)) {
            throw new AssertionError(
                    "the load has come to a halt, " + answersBeforeBurst.getCount() + " answers before the burst");
        }
        throwFailure();
    }

    /** Waits until all connections have ended. */
    void join() throws InterruptedException, IOException {
        for (LoadClient client : clients) {
            client.join();
        }
        throwFailure();
    }

    private void throwFailure() {
        Throwable cause = failure.get();
        if (cause != null) {
            throw new AssertionError("a client was not content", cause);
        }
    }

    @Override
    public void answered() {
        answersBeforeBurst.countDown();
    }

    @Override
    public boolean wantsBurst() {
        return answersBeforeBurst.getCount() == 0;
    }

    @Override
    public void decisive() {
        if (decided.compareAndSet(false, true)) {
            ending = true;
            end.run();
            moment.countDown();
        }
    }

    @Override
    public void ended(Throwable reason) {
        if (!(reason instanceof IOException) || !ending) {
            failure.compareAndSet(null, reason);
            moment.countDown();
        }
    }

    @Override
    public boolean isStopping() {
        return ending;
    }
}
