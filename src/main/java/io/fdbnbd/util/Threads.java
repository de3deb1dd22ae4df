package io.fdbnbd.util;

import java.time.Duration;
import java.util.concurrent.ThreadFactory;
import org.tinylog.Logger;

/**
 * Threads with a role for a name. Whoever starts one owns it and joins it: {@link #joinOrWarn} is the last line of a
 * stop. All are daemons, so a thread that was forgotten delays no exit; what must be finished is joined, not hoped for.
 */
public final class Threads {
    private Threads() {}

    /** Platform threads {@code role-0}, {@code role-1}, ...: for work that stalls in native code, like RocksDB's. */
    public static ThreadFactory platform(String role) {
        return Thread.ofPlatform()
                .name(role + "-", 0)
                .daemon(true)
                .uncaughtExceptionHandler(Threads::logUncaught)
                .factory();
    }

    /** Virtual threads {@code role-0}, {@code role-1}, ...: for work that waits for sockets and futures. */
    public static ThreadFactory virtual(String role) {
        return Thread.ofVirtual()
                .name(role + "-", 0)
                .uncaughtExceptionHandler(Threads::logUncaught)
                .factory();
    }

    /** Starts one platform thread named {@code role}. */
    public static Thread startPlatform(String role, Runnable work) {
        return Thread.ofPlatform()
                .name(role)
                .daemon(true)
                .uncaughtExceptionHandler(Threads::logUncaught)
                .start(work);
    }

    /** Starts one virtual thread named {@code role}. */
    public static Thread startVirtual(String role, Runnable work) {
        return Thread.ofVirtual()
                .name(role)
                .uncaughtExceptionHandler(Threads::logUncaught)
                .start(work);
    }

    /**
     * Waits until the thread has ended, at most {@code deadline}; a thread that has not is named in the log with the
     * place where it stands. An interrupt ends the waiting and stays set.
     *
     * @return whether the thread has ended
     */
    public static boolean joinOrWarn(Thread thread, Duration deadline) {
        String after = deadline.toString();
        try {
            if (thread.join(deadline)) {
                return true;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            after = "an interrupted wait";
        }
        StackTraceElement[] stack = thread.getStackTrace();
        Object place = stack.length == 0 ? "an unknown place" : stack[0];
        Logger.warn("thread {} has not ended after {}, it is at {}", thread.getName(), after, place);
        return false;
    }

    /** Returns when it has ended; an interrupt does not end the waiting, and stays set. */
    public static void joinUninterruptibly(Thread thread) {
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private static void logUncaught(Thread thread, Throwable failure) {
        Logger.error(failure, "thread {} died of an exception nobody caught", thread.getName());
    }
}
