package io.fdbnbd.metrics;

import io.fdbnbd.util.Threads;
import io.fdbnbd.util.Ticker;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;

/**
 * What all volumes have done lately, for people who watch: rates of the last second, and latencies of the last ten, since
 * a second has too few requests for its rare ones.
 *
 * <p>The thread {@code live-rates} looks once a second, while somebody has asked lately; else it waits, and the meters
 * are off as far as this is concerned. {@code lock} guards everything; it is not held while intervals are taken.
 */
public final class LiveRates implements AutoCloseable {
    public static final Duration INTERVAL = Duration.ofSeconds(1);
    public static final int WINDOW_INTERVALS = 10;

    private static final long INTERVAL_NANOS = INTERVAL.toNanos();

    /** Who watches asks more often than that. */
    private static final long WATCHED_NANOS = TimeUnit.SECONDS.toNanos(10);

    /** For the first answer, on a machine that is busy. */
    private static final long FIRST_NANOS_MAX = TimeUnit.SECONDS.toNanos(5);

    private static final Duration JOIN_DEADLINE = Duration.ofSeconds(5);

    private final Metrics metrics;
    private final Ticker ticker;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final Thread thread;

    // Guarded by lock.
    private boolean closed;
    private boolean watched;
    private long askedNanos;
    private @Nullable Map<String, VolumeRates> rates;

    // The thread's own.
    private final Deque<Map<String, Map<Measure, Histogram>>> window = new ArrayDeque<>();

    /** Starts the thread. */
    public LiveRates(Metrics metrics, Ticker ticker) {
        this.metrics = metrics;
        this.ticker = ticker;
        this.thread = Threads.startVirtual("live-rates", this::run);
    }

    /** By volume; of the idle there may be none. If nobody has asked lately, this waits for a second to have passed. */
    public Map<String, VolumeRates> get() throws InterruptedException {
        lock.lockInterruptibly();
        try {
            askedNanos = ticker.nanoTime();
            watched = true;
            changed.signalAll();
            long left = FIRST_NANOS_MAX;
            while (rates == null && !closed && left > 0) {
                left = changed.awaitNanos(left);
            }
            return rates == null ? Map.of() : rates;
        } finally {
            lock.unlock();
        }
    }

    private void run() {
        try {
            while (awaitWatched()) {
                try (IntervalReader reader = metrics.reader()) {
                    watch(reader);
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private boolean awaitWatched() throws InterruptedException {
        lock.lockInterruptibly();
        try {
            while (!watched && !closed) {
                changed.await();
            }
            return !closed;
        } finally {
            lock.unlock();
        }
    }

    private void watch(IntervalReader reader) throws InterruptedException {
        window.clear();
        long began = ticker.nanoTime();
        while (pass(began + INTERVAL_NANOS)) {
            long now = ticker.nanoTime();
            publish(look(reader, Math.max(1, now - began) / 1e9), now);
            began = now;
        }
    }

    /** Waits until then. Returns whether to look again: false if nobody watches any more. */
    private boolean pass(long endNanos) throws InterruptedException {
        lock.lockInterruptibly();
        try {
            for (long left = endNanos - ticker.nanoTime(); left > 0 && !closed; left = endNanos - ticker.nanoTime()) {
                changed.awaitNanos(left);
            }
            return watched && !closed;
        } finally {
            lock.unlock();
        }
    }

    private void publish(Map<String, VolumeRates> newest, long now) {
        lock.lock();
        try {
            watched = now - askedNanos < WATCHED_NANOS;
            rates = watched ? newest : null;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private Map<String, VolumeRates> look(IntervalReader reader, double seconds) {
        Map<String, Map<Measure, Histogram>> last = new LinkedHashMap<>();
        reader.take(
                (volume, measure, histogram) -> last.computeIfAbsent(volume, missing -> new EnumMap<>(Measure.class))
                        .put(measure, histogram));
        window.addLast(last);
        if (window.size() > WINDOW_INTERVALS) {
            window.removeFirst();
        }
        return rates(window, seconds);
    }

    /** @param seconds how long the last interval was */
    static Map<String, VolumeRates> rates(Deque<Map<String, Map<Measure, Histogram>>> window, double seconds) {
        Map<String, Map<Measure, Histogram>> sums = new HashMap<>();
        for (Map<String, Map<Measure, Histogram>> interval : window) {
            interval.forEach((volume, cells) -> cells.forEach((measure, histogram) -> {
                if (measure.isCommand()) {
                    sums.computeIfAbsent(volume, missing -> new EnumMap<>(Measure.class))
                            .computeIfAbsent(measure, missing -> IntervalReader.emptyLike(histogram))
                            .add(histogram);
                }
            }));
        }
        Map<String, VolumeRates> all = new HashMap<>();
        Map<String, Map<Measure, Histogram>> last = window.getLast();
        last.forEach((volume, cells) -> all.put(volume, VolumeRates.of(cells, Map.of(), seconds)));
        sums.forEach((volume, cells) ->
                all.put(volume, VolumeRates.of(last.getOrDefault(volume, Map.of()), cells, seconds)));
        return Map.copyOf(all);
    }

    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
        Threads.joinOrWarn(thread, JOIN_DEADLINE);
    }
}
