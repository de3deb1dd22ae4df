package io.fdbnbd.server;

import io.fdbnbd.metrics.IntervalReader;
import io.fdbnbd.metrics.Measure;
import io.fdbnbd.metrics.Meter;
import io.fdbnbd.metrics.Metrics;
import io.fdbnbd.nbd.Nbd;
import io.fdbnbd.nbd.Request;
import io.fdbnbd.util.Ticker;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/**
 * What is added to each request of a gulp by all that is noted of it, while somebody wants it and while nobody does? What
 * VolumeReader, WriteBuffer and Committer note is noted here as they do it.
 */
@State(Scope.Thread)
public class RequestRecording {
    /** Requests in a gulp, and blocks in a transaction. */
    private static final int GULP = 8;

    private final Request read = new Request(0, Nbd.CMD_READ, 1, 0, 4096);
    private final Request write = new Request(0, Nbd.CMD_WRITE, 1, 0, 4096);
    private final Metrics metrics = new Metrics(Ticker.SYSTEM);
    private final Meter meter = metrics.open("disk");
    private final RequestTimes times = new RequestTimes(meter);

    @Param({"false", "true"})
    private boolean wanted;

    private IntervalReader reader;

    @Setup
    public void begin() {
        if (wanted) {
            reader = metrics.reader();
        }
    }

    @Benchmark
    @OperationsPerInvocation(GULP)
    public void reads() {
        times.arrived();
        long began = meter.now();
        meter.recordSince(Measure.READ_STORE, began, GULP);
        for (int i = 0; i < GULP; i++) {
            times.answered(read, times.arrivedNanos(), 0);
        }
        times.sent();
    }

    @Benchmark
    @OperationsPerInvocation(GULP)
    public long writes() {
        long dirty = 0;
        times.arrived();
        for (int i = 0; i < GULP; i++) {
            dirty += meter.now();
            meter.count(Measure.BLOCKS_WRITTEN, 1);
            times.answered(write, times.arrivedNanos(), 0);
        }
        times.sent();
        long taken = meter.now();
        meter.record(Measure.WRITE_QUEUE, taken - times.arrivedNanos(), 1);
        meter.recordSince(Measure.WRITE_WAIT, taken, 1);
        meter.record(Measure.TRANSACTION_BYTES, GULP * 4096, 1);
        meter.record(Measure.TRANSACTION_BLOCKS, GULP, 1);
        meter.record(Measure.BUFFER_BYTES, GULP * 4096, 1);
        meter.count(Measure.BLOCKS_COMMITTED, GULP);
        meter.recordSince(Measure.WRITE_COMMIT, taken, 1);
        return dirty;
    }
}
