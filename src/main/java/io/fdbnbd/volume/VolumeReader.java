package io.fdbnbd.volume;

import io.fdbnbd.metrics.Measure;
import io.fdbnbd.metrics.Meter;
import io.fdbnbd.util.Ticker;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The reads of a volume: what was read ahead; else the write buffer, then the store for what is not in there, then the
 * buffered bytes of partial blocks over that. Blocks leave the buffer after their commit, so nothing is missed between
 * the two. Any thread.
 */
final class VolumeReader {

    private final Geometry geometry;
    private final ReadAhead readAhead;
    private final WriteBuffer buffer;
    private final BlockReader store;
    private final Consumer<VolumeException> onLost;
    private final Ticker ticker;
    private final Meter meter;

    /** @param onLost is told when the store says that the volume has another owner */
    VolumeReader(
            Geometry geometry,
            ReadAhead readAhead,
            WriteBuffer buffer,
            BlockReader store,
            Consumer<VolumeException> onLost,
            Ticker ticker,
            Meter meter) {
        this.geometry = geometry;
        this.readAhead = readAhead;
        this.buffer = buffer;
        this.store = store;
        this.onLost = onLost;
        this.ticker = ticker;
        this.meter = meter;
    }

    /** What of a read has to come from the store. */
    private record Part(RangeRead read, ReadRemainder remainder, Placement placement, long beganNanos) {}

    /** Returns false, with the position of the destination as before, if the read would have to wait. */
    boolean tryRead(RangeRead read) throws VolumeException {
        if (!read.dst().hasRemaining() || readAhead.read(read.offset(), read.dst(), false)) {
            return true;
        }
        Part part = fromBuffer(read);
        if (part != null) {
            if (!store.tryRead(part.placement())) {
                return false;
            }
            finish(part);
        }
        return true;
    }

    /** Makes reads, in one of the store; each is told of its own failure. Waits for the store. */
    void read(List<RangeRead> reads) {
        List<RangeRead> wanted = new ArrayList<>(reads.size());
        for (RangeRead read : reads) {
            if (read.dst().hasRemaining() && !readAhead.read(read.offset(), read.dst(), true)) {
                wanted.add(read);
            }
        }
        readNew(wanted);
    }

    /** As {@link #read}, past what was read ahead. */
    void readNew(List<RangeRead> reads) {
        List<Part> parts = new ArrayList<>(reads.size());
        for (RangeRead read : reads) {
            read.attempt(() -> {
                Part part = fromBuffer(read);
                if (part != null) {
                    parts.add(part);
                }
            });
        }
        if (parts.isEmpty()) {
            return;
        }
        try {
            store.read(parts.stream().map(Part::placement).toList());
        } catch (VolumeException e) {
            if (e.kind() == VolumeException.Kind.LOST_OWNERSHIP) {
                onLost.accept(e);
            }
            parts.forEach(part -> part.read().fail(e));
            return;
        }
        for (Part part : parts) {
            part.read().attempt(() -> finish(part));
        }
    }

    private @Nullable Part fromBuffer(RangeRead read) throws VolumeException {
        ByteBuffer dst = read.dst();
        int length = dst.remaining();
        geometry.checkInside(read.offset(), length);
        long beganNanos = ticker.nanoTime();
        ReadRemainder remainder = buffer.read(read.offset(), length, dst, dst.position());
        if (remainder == null) {
            dst.position(dst.limit());
            meter.record(Measure.READ_BUFFER, ticker.nanoTime() - beganNanos, 1);
            return null;
        }
        Placement placement = store.placement(remainder.runs(), read.offset(), length, dst, dst.position());
        return new Part(read, remainder, placement, beganNanos);
    }

    private void finish(Part part) throws VolumeException {
        store.finish(part.placement());
        ByteBuffer dst = part.read().dst();
        buffer.overlayPartial(part.remainder(), part.read().offset(), dst.remaining(), dst, dst.position());
        dst.position(dst.limit());
        meter.record(Measure.READ_STORE, ticker.nanoTime() - part.beganNanos(), 1);
    }
}
