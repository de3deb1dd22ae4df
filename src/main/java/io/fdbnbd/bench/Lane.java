package io.fdbnbd.bench;

import io.fdbnbd.client.NbdConnection;
import io.fdbnbd.metrics.Meter;
import io.fdbnbd.util.Threads;
import java.io.IOException;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.tinylog.Logger;

/**
 * One connection under load.
 *
 * <p>Threads: {@code bench-N} takes replies and, where requests need no thread of their own, sends the next ones after
 * each gulp: a round costs one read and one write. Else {@code bench-N-send} sends them, when they are due or there is
 * room. Platform threads: each does nothing but to wait for its socket, and is woken faster than a virtual one.
 */
final class Lane {
    private static final Duration JOIN_DEADLINE = Duration.ofSeconds(5);

    /**
     * What all connections of a run have in common.
     *
     * @param stop comes when nothing more is to be sent, before the end
     * @param done counted down by each connection at its end
     */
    record Setting(
            BenchPlan plan,
            Content content,
            BenchClock clock,
            Meter meter,
            long startNanos,
            CountDownLatch stop,
            CountDownLatch done) {

        long measuredFromNanos() {
            return startNanos + plan.warmup().toNanos();
        }

        long endNanos() {
            return measuredFromNanos() + plan.runtime().toNanos();
        }
    }

    private final NbdConnection connection;
    private final Setting setting;
    private final String name;
    private final Outstanding outstanding;
    private final Sender sender;
    private final Replies replies;
    private final Tally tally;
    private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
    private volatile boolean givenUp;
    private @Nullable Thread thread;

    Lane(NbdConnection connection, Setting setting, int number) {
        BenchPlan plan = setting.plan();
        this.connection = connection;
        this.setting = setting;
        this.name = "bench-" + number;
        this.outstanding = new Outstanding(plan.depth());
        this.tally = new Tally(plan.blockBytes(), setting.meter(), setting.measuredFromNanos());
        Workload workload = new Workload(plan, connection.export().sizeBytes(), number);
        this.sender = new Sender(setting, connection.channel(), workload, outstanding, number);
        this.replies = new Replies(connection.channel(), outstanding, tally, setting.clock(), plan.blockBytes());
    }

    void start() {
        thread = Threads.startPlatform(name, this::run);
    }

    private void run() {
        try {
            if (setting.plan().isThreaded()) {
                Thread sending = Threads.startPlatform(name + "-send", this::sendAll);
                receiveAll();
                outstanding.endSending();
                Threads.joinOrWarn(sending, JOIN_DEADLINE);
            } else {
                while (sender.send() || outstanding.count() > 0) {
                    receive();
                }
                outstanding.endSending();
            }
            connection.disconnect();
        } catch (IOException | RuntimeException | Error e) {
            fail(e);
        } finally {
            setting.done().countDown();
        }
    }

    private void receiveAll() throws IOException {
        while (!outstanding.isOver()) {
            receive();
        }
    }

    private void receive() throws IOException {
        if (!replies.receive() && !outstanding.isOver()) {
            throw new IOException("the server closed it");
        }
    }

    private void sendAll() {
        try {
            while (sender.send()) {
                sender.awaitNext();
            }
            outstanding.endSending();
            if (outstanding.isOver()) {
                // The other thread may wait for a reply that will not come.
                connection.channel().shutdownInput();
            }
        } catch (IOException | RuntimeException | Error e) {
            fail(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void fail(Throwable e) {
        if (!givenUp && failure.compareAndSet(null, e)) {
            Logger.debug(e, "{} has failed", name);
        }
        setting.stop().countDown();
        outstanding.endSending();
        close();
    }

    /** Waits no more for what is not answered. Any thread. */
    void giveUp() {
        givenUp = true;
        close();
    }

    private void close() {
        try {
            connection.close();
        } catch (IOException e) {
            Logger.debug("{}: closing failed: {}", name, e.getMessage());
        }
    }

    /** After the countdown; the rest is to be asked after it. */
    boolean join() {
        return Threads.joinOrWarn(Objects.requireNonNull(thread, "not started"), JOIN_DEADLINE);
    }

    Tally tally() {
        return tally;
    }

    /** Null unless it ended before its time. */
    @Nullable
    Throwable failure() {
        return failure.get();
    }

    long unanswered() {
        return outstanding.count();
    }

    long unsent() {
        return failure.get() == null ? sender.unsent() : 0;
    }
}
