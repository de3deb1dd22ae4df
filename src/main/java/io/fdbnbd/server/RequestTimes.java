package io.fdbnbd.server;

import io.fdbnbd.metrics.Measure;
import io.fdbnbd.metrics.Meter;
import io.fdbnbd.nbd.Nbd;
import io.fdbnbd.nbd.Request;
import org.jspecify.annotations.Nullable;

/**
 * Measures the requests of one connection: from the arrival of the gulp that began one until its reply was given to the
 * socket. Requests that were answered together took equally long, so the clock is read once for all of them.
 *
 * <p>{@link #record} is for any thread; the rest belongs to the connection's reader.
 */
final class RequestTimes {
    private static final @Nullable Measure[] MEASURES = new Measure[Nbd.CMD_BLOCK_STATUS + 1];

    static {
        MEASURES[Nbd.CMD_READ] = Measure.READ;
        MEASURES[Nbd.CMD_WRITE] = Measure.WRITE;
        MEASURES[Nbd.CMD_FLUSH] = Measure.FLUSH;
        MEASURES[Nbd.CMD_TRIM] = Measure.TRIM;
        MEASURES[Nbd.CMD_WRITE_ZEROES] = Measure.ZEROES;
    }

    private final Meter meter;
    private long arrivedNanos;

    // What has been answered and not sent yet.
    private final int[] answered = new int[MEASURES.length];
    private boolean anyAnswered;
    private long bytesIn;
    private long bytesOut;

    RequestTimes(Meter meter) {
        this.meter = meter;
    }

    /** The requests that are taken from here on have arrived now. */
    void arrived() {
        arrivedNanos = meter.now();
    }

    /** When the request in hand has arrived, for {@link #record}. */
    long arrivedNanos() {
        return arrivedNanos;
    }

    /** The reply to a request stands among those that {@link #sent} will be said of. */
    void answered(Request request, long itsArrivalNanos, int error) {
        if (!meter.isOn()) {
            return;
        }
        if (error != 0 || itsArrivalNanos != arrivedNanos) {
            record(request, itsArrivalNanos, error);
            return;
        }
        anyAnswered = true;
        answered[request.type()]++;
        if (request.type() == Nbd.CMD_READ) {
            bytesOut += request.length();
        } else if (request.type() == Nbd.CMD_WRITE) {
            bytesIn += request.length();
        }
    }

    /** All replies so far have been sent. */
    void sent() {
        if (!anyAnswered) {
            return;
        }
        anyAnswered = false;
        long now = meter.now();
        for (int type = 0; type < answered.length; type++) {
            int count = answered[type];
            answered[type] = 0;
            Measure measure = MEASURES[type];
            if (count > 0 && measure != null && now != 0 && arrivedNanos != 0) {
                meter.record(measure, now - arrivedNanos, count);
            }
        }
        countBytes(bytesIn, bytesOut);
        bytesIn = 0;
        bytesOut = 0;
    }

    /** A request was answered by itself. Any thread. */
    void record(Request request, long itsArrivalNanos, int error) {
        if (!meter.isOn()) {
            return;
        }
        if (error != 0) {
            meter.count(Measure.ERRORS, 1);
            return;
        }
        Measure measure = MEASURES[request.type()];
        if (measure != null) {
            meter.recordSince(measure, itsArrivalNanos, 1);
        }
        countBytes(
                request.type() == Nbd.CMD_WRITE ? request.length() : 0,
                request.type() == Nbd.CMD_READ ? request.length() : 0);
    }

    private void countBytes(long in, long out) {
        if (in > 0) {
            meter.count(Measure.BYTES_IN, in);
        }
        if (out > 0) {
            meter.count(Measure.BYTES_OUT, out);
        }
    }
}
