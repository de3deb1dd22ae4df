package io.fdbnbd.volume;

import java.lang.reflect.Constructor;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.Executor;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Runs virtual threads one at a time, on the thread that calls {@link #run}, in an order drawn from a seed. Whenever a
 * thread waits (for a lock, a condition, a queue, a pause), the next one is drawn from those that can go on. Time stands
 * still meanwhile, and moves to the next alarm when no thread can go on, or sometimes before: a thread may be slow. So
 * everything that happens follows from the seed.
 *
 * <p>What runs here is the real code with its real locks and queues: a virtual thread hands its continuation to the
 * executor that it was made with, and that is this class. The JDK has such a constructor for its own tests only, so the
 * JVM needs {@code --add-opens java.base/java.lang=ALL-UNNAMED}. Threads that are started by one of these are run here
 * too.
 *
 * <p>Limits: a thread is never stopped between two instructions where it could not wait, and memory is sequentially
 * consistent. Who waits with a deadline must not reach it: that clock would be the machine's.
 */
final class SeededScheduler {

    private static final int TRACE_LINES_MAX = 400;

    private record Alarm(long time, long number, Runnable action) {}

    private final SplittableRandom random;
    private final boolean tracing;
    private final Thread carrier = Thread.currentThread();
    private final Constructor<?> builders;
    private final List<Runnable> ready = new ArrayList<>();
    private final PriorityQueue<Alarm> alarms =
            new PriorityQueue<>(Comparator.comparingLong(Alarm::time).thenComparingLong(Alarm::number));
    private final Set<Thread> threads = new LinkedHashSet<>();
    private final ArrayDeque<String> trace = new ArrayDeque<>();

    // How this seed draws.
    private final int lastPercent;
    private final int firstPercent;
    private final int slowPerMille;

    private long now;
    private long steps;
    private long alarmCount;
    private long hash;
    private @Nullable Throwable failure;

    /** @param tracing whether to keep what happened as text, the last of it */
    SeededScheduler(long seed, boolean tracing) {
        this.random = new SplittableRandom(seed);
        this.tracing = tracing;
        this.lastPercent = random.nextInt(3) * 30;
        this.firstPercent = random.nextInt(2) * 35;
        this.slowPerMille = random.nextBoolean() ? 0 : random.nextInt(200);
        try {
            builders = Class.forName("java.lang.ThreadBuilders$VirtualThreadBuilder")
                    .getDeclaredConstructor(Executor.class);
            builders.setAccessible(true);
        } catch (ReflectiveOperationException | RuntimeException e) {
            throw new IllegalStateException(
                    "this JVM does not let virtual threads be scheduled: start it with"
                            + " --add-opens java.base/java.lang=ALL-UNNAMED",
                    e);
        }
    }

    SplittableRandom random() {
        return random;
    }

    /** Nanoseconds since the beginning. */
    long nanoTime() {
        return now;
    }

    /** A number that is the same for two runs in which the same happened. */
    long hash() {
        return hash;
    }

    long steps() {
        return steps;
    }

    /** The last of what happened, if that was asked for. */
    List<String> trace() {
        return List.copyOf(trace);
    }

    /** Starts a thread. What it throws ends the run. */
    Thread start(String name, Runnable work) {
        try {
            Thread.Builder.OfVirtual builder =
                    (Thread.Builder.OfVirtual) builders.newInstance((Executor) this::execute);
            Thread[] self = new Thread[1];
            self[0] = builder.name(name).unstarted(() -> {
                try {
                    work.run();
                } catch (RuntimeException | Error e) {
                    fail(e);
                    throw e;
                } finally {
                    threads.remove(self[0]);
                }
            });
            // Said already, by whoever takes the failure of the run.
            self[0].setUncaughtExceptionHandler((thread, thrown) -> {});
            threads.add(self[0]);
            self[0].start();
            return self[0];
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
    }

    private void execute(Runnable continuation) {
        Thread waker = Thread.currentThread();
        if (!waker.equals(carrier) && !waker.isVirtual()) {
            fail(new AssertionError("a thread or clock from outside woke one of the simulated threads"));
        }
        ready.add(continuation);
    }

    /** The first failure counts; it ends the run before its next step. */
    void fail(Throwable cause) {
        if (failure == null) {
            failure = cause;
        }
    }

    /** Ends the run: something happened that must not. */
    AssertionError violated(String what) {
        event("VIOLATED " + what, 0, 0);
        AssertionError violation = new AssertionError(what);
        fail(violation);
        return violation;
    }

    /** Notes that something happened. */
    void event(String what, long one, long other) {
        hash = (hash ^ what.hashCode()) * 0x9E3779B97F4A7C15L;
        hash = (hash ^ one) * 0x9E3779B97F4A7C15L;
        hash = Long.rotateLeft((hash ^ other) * 0x9E3779B97F4A7C15L, 23);
        if (tracing) {
            if (trace.size() == TRACE_LINES_MAX) {
                trace.removeFirst();
            }
            trace.add("%,15d ns  %-12s %s %d %d"
                    .formatted(now, Thread.currentThread().getName(), what, one, other));
        }
    }

    /** Runs an action after a time, on no thread that could wait. */
    void after(long nanos, Runnable action) {
        alarms.add(new Alarm(now + nanos, alarmCount++, action));
    }

    /** Lets the current thread wait. */
    void sleep(long nanos) {
        sleep(nanos, () -> false);
    }

    /** As {@link #sleep(long)}, but whoever makes {@code ended} true may unpark the thread before its time. */
    void sleep(long nanos, BooleanSupplier ended) {
        Thread sleeper = Thread.currentThread();
        boolean[] over = new boolean[1];
        after(nanos, () -> {
            over[0] = true;
            LockSupport.unpark(sleeper);
        });
        while (!over[0] && !ended.getAsBoolean()) {
            LockSupport.park(this);
        }
    }

    /** Starts {@code main} and runs it and all that it starts, until all have ended. */
    void run(String name, Runnable main, long stepsMax) {
        start(name, main);
        while (failure == null && (!ready.isEmpty() || !alarms.isEmpty())) {
            if (++steps > stepsMax) {
                fail(new AssertionError("no end after " + stepsMax + " steps:" + standing()));
                break;
            }
            boolean early = slowPerMille > 0 && !alarms.isEmpty() && random.nextInt(1000) < slowPerMille;
            if (ready.isEmpty() || early) {
                Alarm next = alarms.remove();
                now = Math.max(now, next.time);
                next.action.run();
            } else {
                ready.remove(draw(ready.size())).run();
            }
        }
        if (failure == null && !threads.isEmpty()) {
            fail(new AssertionError("nothing moves any more:" + standing()));
        }
        if (failure != null) {
            throw new AssertionError(failure.getMessage(), failure);
        }
    }

    private int draw(int count) {
        int chosen = 0;
        if (count > 1) {
            int percent = random.nextInt(100);
            if (percent < lastPercent) {
                chosen = count - 1;
            } else if (percent >= lastPercent + firstPercent) {
                chosen = random.nextInt(count);
            }
            hash = (hash ^ chosen) * 0x9E3779B97F4A7C15L;
        }
        return chosen;
    }

    private String standing() {
        StringBuilder text = new StringBuilder();
        for (Thread thread : threads) {
            text.append("\n  ").append(thread.getName());
            for (StackTraceElement frame : thread.getStackTrace()) {
                text.append("\n    at ").append(frame);
            }
        }
        return text.toString();
    }
}
