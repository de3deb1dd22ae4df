package io.fdbnbd.volume;

import io.fdbnbd.volume.ReadRemainder.Run;
import java.nio.ByteBuffer;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Puts the rows of one read to their places in the reader's buffer, and zeroes where there is no row. Rows come in
 * ascending order of blocks. Belongs to one thread.
 */
final class Placement {

    private final List<Run> runs;
    private final long offset;
    private final int length;
    private final ByteBuffer dst;
    private final int position;
    private final Geometry geometry;
    private final BlockCodec codec;
    private int run;
    private long next;
    private @Nullable DamagedBlockException damage;

    /**
     * The parts of {@code runs} that lie in the byte range {@code offset, length} go to {@code dst}, where the range's
     * first byte stands at {@code position}.
     */
    Placement(
            List<Run> runs,
            long offset,
            int length,
            ByteBuffer dst,
            int position,
            Geometry geometry,
            BlockCodec codec) {
        this.runs = runs;
        this.offset = offset;
        this.length = length;
        this.dst = dst;
        this.position = position;
        this.geometry = geometry;
        this.codec = codec;
        begin();
    }

    List<Run> runs() {
        return runs;
    }

    /** Makes ready for the first row, also when some have been placed already. */
    void begin() {
        run = 0;
        next = runs.getFirst().first();
        damage = null;
    }

    /** Whether a row of this block can come now. */
    boolean takes(long block) {
        if (block < next) {
            return false;
        }
        for (int i = run; i < runs.size(); i++) {
            if (block < runs.get(i).end()) {
                return block >= runs.get(i).first();
            }
        }
        return false;
    }

    void row(long block, byte[] value) {
        zeroUpTo(block);
        if (damage == null) {
            int from = geometry.from(block, offset);
            int count = geometry.to(block, offset, length) - from;
            try {
                codec.decode(block, value, from, count, dst, place(block, from));
            } catch (DamagedBlockException e) {
                damage = e;
            }
        }
        next = block + 1;
    }

    /** Returns the first damage that was met; if null, all is in its place. */
    @Nullable
    DamagedBlockException finish() {
        zeroUpTo(Long.MAX_VALUE);
        return damage;
    }

    private void zeroUpTo(long block) {
        while (run < runs.size()) {
            long end = runs.get(run).end();
            zero(next, Math.min(block, end));
            if (block < end) {
                return;
            }
            run++;
            if (run < runs.size()) {
                next = runs.get(run).first();
            }
        }
    }

    private void zero(long first, long end) {
        if (first < end) {
            int from = geometry.from(first, offset);
            long bytes =
                    geometry.offsetOf(end - 1) + geometry.to(end - 1, offset, length) - geometry.offsetOf(first) - from;
            Zeroes.put(dst, place(first, from), (int) bytes);
        }
    }

    private int place(long block, int from) {
        return position + (int) (geometry.offsetOf(block) + from - offset);
    }
}
