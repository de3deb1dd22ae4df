package io.fdbnbd.store.fdb;

import io.fdbnbd.util.Threads;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.tinylog.Logger;

/**
 * Says in the log, once, that the cluster answers nothing, and when it does again: FoundationDB's client waits without a
 * word. One thread, {@code fdb-outage}, looks every second whether calls are under way and none has ended.
 */
final class Outage implements AutoCloseable {

    private static final Duration JOIN_DEADLINE = Duration.ofSeconds(5);

    /** Looks in a row without an answer before the log says so. */
    private static final int SILENT_LOOKS_MAX = 3;

    private final AtomicLong begun = new AtomicLong();
    private final AtomicLong ended = new AtomicLong();
    private final CountDownLatch closed = new CountDownLatch(1);
    private final String clusterFile;
    private final Thread thread;

    Outage(String clusterFile) {
        this.clusterFile = clusterFile;
        this.thread = Threads.startVirtual("fdb-outage", this::run);
    }

    void begin() {
        begun.incrementAndGet();
    }

    void end() {
        ended.incrementAndGet();
    }

    private void run() {
        long endedBefore = 0;
        int silentLooks = 0;
        long waiting = 0;
        while (!sleepASecond()) {
            long endedNow = ended.get();
            boolean silent = endedNow == endedBefore && begun.get() > endedNow;
            if (!silent && silentLooks >= SILENT_LOOKS_MAX) {
                Logger.info(
                        "the FoundationDB cluster of {} answers again, after {} s, in which {} calls waited",
                        clusterFile,
                        silentLooks,
                        waiting);
            }
            waiting = begun.get() - endedNow;
            silentLooks = silent ? silentLooks + 1 : 0;
            if (silentLooks == SILENT_LOOKS_MAX) {
                Logger.warn(
                        "the FoundationDB cluster of {} has not answered for {} s: requests wait until it does;"
                                + " look with `fdbcli -C {} --exec status`",
                        clusterFile,
                        silentLooks,
                        clusterFile);
            }
            endedBefore = endedNow;
        }
    }

    private boolean sleepASecond() {
        try {
            return closed.await(1, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return true;
        }
    }

    @Override
    public void close() {
        closed.countDown();
        Threads.joinOrWarn(thread, JOIN_DEADLINE);
    }
}
