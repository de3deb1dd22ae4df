package io.fdbnbd.endtoend;

import io.fdbnbd.server.ListenAddress;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** Some clients at work on several volumes, until the server ends. */
final class Load implements LoadClient.Listener {
    private static final int CLIENTS_PER_VOLUME = 3;
    private static final int MOMENT_SECONDS_MAX = 300;

    private final List<LoadClient> clients = new ArrayList<>();
    private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
    private final CountDownLatch answers;
    private final CountDownLatch promises;
    private final CountDownLatch moment = new CountDownLatch(1);
    private volatile boolean ending;

    /** Draws the moment at which {@link #awaitMoment} returns: after so many answers, or after so many promises. */
    Load(Random random) {
        boolean early = random.nextInt(4) == 0;
        this.answers = new CountDownLatch(1 + random.nextInt(early ? 100 : 6000));
        this.promises = new CountDownLatch(1 + random.nextInt(early ? 10 : 600));
    }

    void start(List<ListenAddress> addresses, List<Ledger> ledgers, boolean answersWhenCommitted, Random random)
            throws IOException {
        for (int i = 0; i < CLIENTS_PER_VOLUME; i++) {
            for (Ledger ledger : ledgers) {
                ListenAddress address = addresses.get(i % addresses.size());
                Random own = new Random(random.nextLong());
                clients.add(LoadClient.start(address, ledger, answersWhenCommitted, own, this));
            }
        }
    }

    /** Returns in the thick of it. */
    void awaitMoment() throws InterruptedException {
        if (!moment.await(MOMENT_SECONDS_MAX, TimeUnit.SECONDS)) {
            throw new AssertionError("the load has come to a halt: " + answers.getCount() + " answers to go");
        }
        throwFailure();
        ending = true;
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
    public void answered(boolean promise) {
        answers.countDown();
        if (promise) {
            promises.countDown();
        }
        if (answers.getCount() == 0 || promises.getCount() == 0) {
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
