package io.fdbnbd.bench;

import io.fdbnbd.metrics.Measure;
import io.fdbnbd.metrics.Meter;
import io.fdbnbd.nbd.Nbd;
import java.util.EnumMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.LongAdder;
import org.HdrHistogram.Histogram;

/**
 * What the requests of one connection came to. For one thread, but what {@link #done} and {@link #bytes} count, which
 * others look at while it runs.
 */
final class Tally {
    private static final int DIGITS = 3;

    private final int blockBytes;
    private final Meter meter;
    private final long fromNanos;

    /** From when a request was due, and from when it was sent, until its reply; in nanoseconds. */
    private final Map<Measure, Histogram> responses = new EnumMap<>(Measure.class);

    private final Map<Measure, Histogram> services = new EnumMap<>(Measure.class);
    private final Map<Integer, Long> errors = new TreeMap<>();
    private long lastNanos;

    private final LongAdder done = new LongAdder();
    private final LongAdder bytes = new LongAdder();

    /** @param fromNanos what was due before is not measured */
    Tally(int blockBytes, Meter meter, long fromNanos) {
        this.blockBytes = blockBytes;
        this.meter = meter;
        this.fromNanos = fromNanos;
        this.lastNanos = fromNanos;
    }

    void answered(Outstanding.Entry entry, int error, long now) {
        done.increment();
        boolean moves = entry.command != Nbd.CMD_FLUSH && error == 0;
        if (moves) {
            bytes.add(blockBytes);
        }
        if (error != 0) {
            errors.merge(error, 1L, Long::sum);
            meter.count(Measure.ERRORS, 1);
            return;
        }
        if (entry.dueNanos - fromNanos < 0) {
            return;
        }
        lastNanos = now;
        Measure measure = measure(entry.command);
        record(responses, measure, now - entry.dueNanos);
        record(services, measure, now - entry.sentNanos);
        if (meter.isOn()) {
            meter.record(measure, now - entry.dueNanos, 1);
            if (moves) {
                meter.count(measure == Measure.READ ? Measure.BYTES_OUT : Measure.BYTES_IN, blockBytes);
            }
        }
    }

    private static void record(Map<Measure, Histogram> to, Measure measure, long nanos) {
        Histogram histogram = to.get(measure);
        if (histogram == null) {
            histogram = new Histogram(DIGITS);
            to.put(measure, histogram);
        }
        histogram.recordValue(Math.max(0, nanos));
    }

    private static Measure measure(int command) {
        return switch (command) {
            case Nbd.CMD_READ -> Measure.READ;
            case Nbd.CMD_WRITE -> Measure.WRITE;
            case Nbd.CMD_FLUSH -> Measure.FLUSH;
            default -> throw new IllegalArgumentException("no such request is made");
        };
    }

    /** Adds what another connection has, whose thread has ended. */
    void add(Tally other) {
        merge(other.responses, responses);
        merge(other.services, services);
        other.errors.forEach((error, count) -> errors.merge(error, count, Long::sum));
        lastNanos = Math.max(lastNanos - fromNanos, other.lastNanos - fromNanos) + fromNanos;
        done.add(other.done.sum());
        bytes.add(other.bytes.sum());
    }

    private static void merge(Map<Measure, Histogram> from, Map<Measure, Histogram> to) {
        from.forEach((measure, histogram) ->
                to.computeIfAbsent(measure, missing -> new Histogram(DIGITS)).add(histogram));
    }

    Map<Measure, Histogram> responses() {
        return responses;
    }

    Map<Measure, Histogram> services() {
        return services;
    }

    /** By the protocol's number. */
    Map<Integer, Long> errors() {
        return errors;
    }

    /** Of the last reply that was measured. */
    long lastNanos() {
        return lastNanos;
    }

    /** Answered requests, measured or not. Any thread. */
    long done() {
        return done.sum();
    }

    /** Payload of them. Any thread. */
    long bytes() {
        return bytes.sum();
    }
}
