package io.fdbnbd.cli;

import io.fdbnbd.util.Closer;
import io.fdbnbd.util.Threads;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.tinylog.Logger;

/**
 * The end of a server. SIGTERM, SIGINT and SIGHUP make the JVM run its shutdown hooks and then exit with a code above
 * 128; the hook here closes the parts and exits by itself, so that the code says whether that went well.
 */
final class Shutdown {
    /** For everything: the connections' last requests, and what is in the volumes' buffers. */
    static final Duration STOP_DEADLINE = Duration.ofSeconds(60);

    private final Closer parts = new Closer();
    private final PrintWriter err;
    private final Thread hook = new Thread(this::stopAndHalt, "stop-hook");

    private Shutdown(PrintWriter err) {
        this.err = err;
    }

    /** From here on a signal closes what is registered with {@link #parts}, and ends the process. */
    static Shutdown install(PrintWriter err) {
        Shutdown shutdown = new Shutdown(err);
        Runtime.getRuntime().addShutdownHook(shutdown.hook);
        return shutdown;
    }

    /** What makes up the server, in the order of its making. */
    Closer parts() {
        return parts;
    }

    /** Waits for the signal; does not return. */
    void await() {
        waitForever();
    }

    /** The start has failed: closes what was started, and leaves signals to the JVM again. */
    void cancel(Exception cause) {
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
            // A signal came first, and this is its consequence: the hook has the last word.
            waitForever();
        }
        try {
            parts.close();
        } catch (IOException | RuntimeException e) {
            cause.addSuppressed(e);
        }
    }

    private static void waitForever() {
        CountDownLatch never = new CountDownLatch(1);
        while (true) {
            try {
                never.await();
            } catch (InterruptedException e) {
                Logger.debug("nobody interrupts the main thread");
            }
        }
    }

    private void stopAndHalt() {
        Logger.info("stopping");
        String failure = stop(parts, STOP_DEADLINE);
        if (failure == null) {
            Logger.info("stopped");
        } else {
            err.println("fdb-nbd: " + failure);
        }
        Runtime.getRuntime().halt(failure == null ? Main.EXIT_DONE : Main.EXIT_FAILED);
    }

    /** Closes the parts, and returns null or what is to be said about how that failed. */
    static @Nullable String stop(AutoCloseable parts, Duration deadline) {
        AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
        Thread closing = Threads.startPlatform("stop", () -> {
            try {
                parts.close();
            } catch (Throwable e) { // whatever it is, it decides the exit code
                failure.set(e);
            }
        });
        if (!Threads.joinOrWarn(closing, deadline)) {
            return "not everything could be stored within " + deadline.toSeconds()
                    + " s: what was answered after a client's last flush may be lost";
        }
        Throwable thrown = failure.get();
        return thrown == null ? null : Failures.sentence(thrown);
    }
}
