package io.fdbnbd.store.rocks;

import io.fdbnbd.util.Threads;
import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/** The platform threads on which RocksDB's calls may stall without stopping anything else. */
final class IoPool implements Executor, AutoCloseable {
    private static final int TASKS_WAITING_MAX = 16_384;
    private static final long IDLE_SECONDS_MAX = 10;

    private final ThreadPoolExecutor threads;

    IoPool(int size) {
        threads = new ThreadPoolExecutor(
                size,
                size,
                IDLE_SECONDS_MAX,
                TimeUnit.SECONDS,
                new LinkedBlockingQueue<>(TASKS_WAITING_MAX),
                Threads.platform("rocks-io"),
                IoPool::runInCaller);
        threads.allowCoreThreadTimeOut(true);
    }

    /** Runs the task later on one of the threads, or at once in the caller if too many wait already. */
    @Override
    public void execute(Runnable task) {
        threads.execute(task);
    }

    private static void runInCaller(Runnable task, ThreadPoolExecutor threads) {
        if (threads.isShutdown()) {
            throw new RejectedExecutionException("the store is closed");
        }
        task.run();
    }

    /** Returns when every task taken has run and every thread has ended. */
    @Override
    public void close() {
        threads.close();
    }
}
