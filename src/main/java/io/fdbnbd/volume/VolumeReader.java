package io.fdbnbd.volume;

import io.fdbnbd.metrics.Measure;
import io.fdbnbd.metrics.Meter;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.NavigableMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The reads of a volume: what was read ahead; else the write buffer, then the store for what is not in there, then the
 * buffered bytes of partial blocks over that. Blocks leave the buffer after their commit, so nothing is missed between
 * the two. Any thread.
 */
final class VolumeReader {

    /** Pages of the allocation map that one answer is made from: one trip to a store. */
    private static final int EXTENTS_PAGES_MAX = 256;

    private final Geometry geometry;
    private final ReadAhead readAhead;
    private final WriteBuffer buffer;
    private final BlockReader store;
    private final Consumer<VolumeException> onLost;
    private final Meter meter;

    /** @param onLost is told when the store says that the volume has another owner */
    VolumeReader(
            Geometry geometry,
            ReadAhead readAhead,
            WriteBuffer buffer,
            BlockReader store,
            Consumer<VolumeException> onLost,
            Meter meter) {
        this.geometry = geometry;
        this.readAhead = readAhead;
        this.buffer = buffer;
        this.store = store;
        this.onLost = onLost;
        this.meter = meter;
    }

    /** What of a read has to come from the store. */
    private record Part(RangeRead read, ReadRemainder remainder, Placement placement) {}

    /** Returns false, with the position of the destination as before, if the read would have to wait. */
    boolean tryRead(RangeRead read) throws VolumeException {
        if (!read.dst().hasRemaining()) {
            return true;
        }
        // What is here may not be the newest once another server owns the volume.
        boolean proven = store.isProven();
        if (proven && readFromAhead(read, false)) {
            return true;
        }
        int position = read.dst().position();
        long beganNanos = meter.now();
        Part part = fromBuffer(read);
        if (part == null) {
            if (!proven) {
                read.dst().position(position);
                return false;
            }
            meter.recordSince(Measure.READ_BUFFER, beganNanos, 1);
            return true;
        }
        if (!store.tryRead(part.placement())) {
            return false;
        }
        finish(part);
        meter.recordSince(Measure.READ_STORE, beganNanos, 1);
        return true;
    }

    /** Makes reads, in one of the store; each is told of its own failure. Waits for the store. */
    void read(List<RangeRead> reads) {
        boolean proven = store.isProven();
        List<RangeRead> wanted = new ArrayList<>(reads.size());
        for (RangeRead read : reads) {
            boolean here = proven && readFromAhead(read, true);
            if (read.dst().hasRemaining() && !here) {
                wanted.add(read);
            }
        }
        readNew(wanted);
    }

    private boolean readFromAhead(RangeRead read, boolean waiting) {
        // Most reads where nothing is read ahead are short: a look at the clock would show.
        long beganNanos = readAhead.bytesMax() > 0 ? meter.now() : 0;
        boolean here = readAhead.read(read.offset(), read.dst(), waiting);
        if (here) {
            meter.recordSince(Measure.READ_AHEAD, beganNanos, 1);
        }
        return here;
    }

    /** As {@link #read}, past what was read ahead. Reads made together take equally long: the clock is read once for all. */
    void readNew(List<RangeRead> reads) {
        long beganNanos = meter.now();
        List<Part> parts = new ArrayList<>(reads.size());
        int buffered = 0;
        for (RangeRead read : reads) {
            try {
                Part part = fromBuffer(read);
                if (part == null) {
                    buffered++;
                } else {
                    parts.add(part);
                }
            } catch (VolumeException e) {
                read.fail(e);
            }
        }
        noteStage(Measure.READ_BUFFER, beganNanos, buffered);
        try {
            readFromStore(parts);
        } catch (VolumeException e) {
            if (e.kind() == VolumeException.Kind.LOST_OWNERSHIP) {
                onLost.accept(e);
            }
            List<RangeRead> failed =
                    store.isProven() ? parts.stream().map(Part::read).toList() : reads;
            failed.forEach(read -> read.fail(e));
            return;
        }
        int finished = 0;
        for (Part part : parts) {
            try {
                finish(part);
                finished++;
            } catch (VolumeException e) {
                part.read().fail(e);
            }
        }
        noteStage(Measure.READ_STORE, beganNanos, finished);
    }

    private void noteStage(Measure stage, long beganNanos, int reads) {
        if (reads > 0) {
            meter.recordSince(stage, beganNanos, reads);
        }
    }

    /** Returns when the parts are there and this process is the owner, which reading proves. */
    private void readFromStore(List<Part> parts) throws VolumeException {
        if (!parts.isEmpty()) {
            store.read(parts.stream().map(Part::placement).toList());
        } else if (!store.isProven()) {
            store.prove();
        }
    }

    /** As {@link Volume#extents}. */
    List<Extent> extents(long offset, long length) throws VolumeException {
        geometry.checkInside(offset, length);
        long first = geometry.blockAt(offset);
        long end = geometry.endBlock(offset, length);
        // Before the store is asked, as for a read: what leaves the buffer in between is found there.
        List<BlockRuns.Part> buffered = buffer.parts(first, end);
        NavigableMap<Long, byte[]> pages =
                readMap(first / AllocationMap.PAGE_BLOCKS, (end - 1) / AllocationMap.PAGE_BLOCKS + 1);
        long known = pages.size() < EXTENTS_PAGES_MAX
                ? end
                : Math.min(end, (pages.lastKey() + 1) * AllocationMap.PAGE_BLOCKS);
        BlockRuns runs = new BlockRuns(first, known);
        pages.forEach((page, bits) -> AllocationMap.storedOf(page, bits).forEach(runs::put));
        buffered.forEach(runs::put);
        return runs.extents(geometry, offset, Math.min(offset + length, geometry.offsetOf(known)));
    }

    private NavigableMap<Long, byte[]> readMap(long firstPage, long endPage) throws VolumeException {
        try {
            return store.readMap(firstPage, endPage, EXTENTS_PAGES_MAX);
        } catch (VolumeException e) {
            if (e.kind() == VolumeException.Kind.LOST_OWNERSHIP) {
                onLost.accept(e);
            }
            throw e;
        }
    }

    private @Nullable Part fromBuffer(RangeRead read) throws VolumeException {
        ByteBuffer dst = read.dst();
        int length = dst.remaining();
        geometry.checkInside(read.offset(), length);
        ReadRemainder remainder = buffer.read(read.offset(), length, dst, dst.position());
        if (remainder == null) {
            dst.position(dst.limit());
            return null;
        }
        Placement placement = store.placement(remainder.runs(), read.offset(), length, dst, dst.position());
        return new Part(read, remainder, placement);
    }

    private void finish(Part part) throws VolumeException {
        store.finish(part.placement());
        ByteBuffer dst = part.read().dst();
        buffer.overlayPartial(part.remainder(), part.read().offset(), dst.remaining(), dst, dst.position());
        dst.position(dst.limit());
    }
}
