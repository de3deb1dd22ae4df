package io.fdbnbd.cli;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.tinylog.Logger;

/**
 * Lets a command that takes long come to its end when a signal comes (Ctrl-C), with what it has: the process exits after
 * it, with its exit code.
 */
final class Interruption implements AutoCloseable {
    /** A little more than a command takes to give up what it waits for. */
    private static final Duration FINISH_DEADLINE = Duration.ofSeconds(15);

    private final CountDownLatch finished = new CountDownLatch(1);
    private final Thread hook = new Thread(this::end, "interruption-hook");
    private volatile Runnable stop = () -> {};
    private volatile int exitCode = Main.EXIT_FAILED;

    private Interruption() {}

    /** From here on a signal waits for the close. */
    static Interruption install() {
        Interruption interruption = new Interruption();
        Runtime.getRuntime().addShutdownHook(interruption.hook);
        return interruption;
    }

    /** @param stop makes the command finish soon; called by another thread */
    void endWith(Runnable stop) {
        this.stop = stop;
    }

    /** What the process exits with if a signal has come. */
    void exitWith(int code) {
        exitCode = code;
    }

    /** The command is done: signals are the JVM's again. */
    @Override
    public void close() {
        finished.countDown();
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
            Logger.debug("the command was interrupted");
        }
    }

    private void end() {
        stop.run();
        try {
            if (finished.await(FINISH_DEADLINE.toNanos(), TimeUnit.NANOSECONDS)) {
                Runtime.getRuntime().halt(exitCode);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
