package io.fdbnbd.volume;

import static io.fdbnbd.volume.VolumeException.Kind.DAMAGED;

import io.fdbnbd.store.Guard;
import io.fdbnbd.store.KeyRange;
import io.fdbnbd.store.RowVisitor;
import io.fdbnbd.store.Store;
import io.fdbnbd.store.StoreException;
import io.fdbnbd.volume.ReadRemainder.Run;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.tinylog.Logger;

/** Reads blocks from the store; a missing key is a block of zeroes. Any thread; waits for the store unless it says not. */
final class BlockReader {

    /** Counted bytes that a store's reply has for a row beside its key and value. */
    private static final int ROW_BYTES = 24;

    /** Attempts of a read for a client that the store says may work later. */
    private static final int ATTEMPTS_MAX = 1000;

    private final VolumeInfo info;
    private final Geometry geometry;
    private final BlockCodec codec;
    private final Store store;
    private final Owner owner;
    private final Backoff backoff;
    private final Stall stall;
    private final int rowsTarget;

    BlockReader(
            VolumeInfo info,
            Geometry geometry,
            BlockCodec codec,
            Store store,
            Owner owner,
            Backoff backoff,
            Stall stall) {
        this.info = info;
        this.geometry = geometry;
        this.codec = codec;
        this.store = store;
        this.owner = owner;
        this.backoff = backoff;
        this.stall = stall;
        int rowBytes = ROW_BYTES + Keys.DATA_KEY_BYTES + codec.valueBytesMax();
        this.rowsTarget = Math.max(1, (store.limits().readBytesTarget() - 1) / rowBytes);
    }

    /**
     * Puts the parts of {@code runs} that lie in the byte range {@code offset, length} to {@code dst}, where the range's
     * first byte stands at {@code position}.
     *
     * @throws VolumeException DAMAGED, LOST_OWNERSHIP or IO; {@code dst} is then undefined
     */
    void read(List<Run> runs, long offset, int length, ByteBuffer dst, int position) throws VolumeException {
        List<KeyRange> ranges = ranges(runs);
        Attempts.repeat(ATTEMPTS_MAX, backoff, stall, () -> {
            Placement placement = new Placement(runs, offset, length, dst, position);
            readOwned(ranges, placement::row);
            placement.finish();
            return true;
        });
    }

    /** Whether this process is the volume's owner, or may at least read as if it were: see {@link Takeover#taken}. */
    boolean isProven() {
        return store.isProven(owner.guard());
    }

    /** Returns once {@link #isProven} has come true since the call. Waits for the store. */
    void prove() throws VolumeException {
        Attempts.repeat(ATTEMPTS_MAX, backoff, stall, () -> {
            readOwned(List.of(), (key, value) -> {});
            return true;
        });
    }

    private void readOwned(List<KeyRange> ranges, RowVisitor visitor) throws StoreException, VolumeException {
        Guard guard = owner.guard();
        try {
            store.read(guard, ranges, visitor);
        } catch (StoreException e) {
            throw settled(e, guard);
        }
    }

    /** A refusal that came of this owner's own fencing is one that passes. */
    private StoreException settled(StoreException failure, Guard used) throws VolumeException, StoreException {
        if (failure.kind() != StoreException.Kind.GUARD_LOST) {
            return failure;
        }
        owner.checkStillOwner(used);
        return new StoreException(StoreException.Kind.RETRYABLE, failure.getMessage(), failure);
    }

    /** As {@link #read}, but returns false if that would have to wait; {@code dst} is then undefined. */
    boolean tryRead(List<Run> runs, long offset, int length, ByteBuffer dst, int position) throws VolumeException {
        Placement placement = new Placement(runs, offset, length, dst, position);
        try {
            if (!store.tryRead(owner.guard(), ranges(runs), placement::row)) {
                return false;
            }
        } catch (StoreException e) {
            // What to make of it, the read that waits finds out.
            return false;
        }
        placement.finish();
        return true;
    }

    /**
     * The content of whole blocks, each behind room for a value's header. For a commit, and as patient: what was answered
     * is not given up because the store is away for long.
     */
    List<byte[]> readWhole(List<Long> numbers) throws VolumeException {
        List<KeyRange> ranges = numbers.stream()
                .map(number -> KeyRange.ofKey(Keys.data(info.layer(), number)))
                .toList();
        return Attempts.repeat(Integer.MAX_VALUE, backoff, stall, () -> {
            Map<Long, byte[]> values = new HashMap<>();
            readOwned(ranges, (key, value) -> values.put(Keys.blockOf(key), value));
            List<byte[]> contents = new ArrayList<>(numbers.size());
            for (long number : numbers) {
                contents.add(whole(number, values.get(number)));
            }
            return contents;
        });
    }

    private byte[] whole(long number, byte @Nullable [] value) throws VolumeException {
        byte[] content = codec.newBlock();
        if (value != null) {
            try {
                int length = geometry.contentBytes(number);
                codec.decode(number, value, 0, length, ByteBuffer.wrap(content), BlockCodec.HEADER_BYTES);
            } catch (DamagedBlockException e) {
                throw damaged(e);
            }
        }
        return content;
    }

    private VolumeException damaged(DamagedBlockException cause) {
        Logger.error("volume '{}': {}", info.name(), cause.getMessage());
        return new VolumeException(DAMAGED, "volume '" + info.name() + "': " + cause.getMessage(), cause);
    }

    private List<KeyRange> ranges(List<Run> runs) {
        List<KeyRange> ranges = new ArrayList<>(runs.size());
        for (Run run : runs) {
            for (long first = run.first(); first < run.end(); first += rowsTarget) {
                long end = Math.min(run.end(), first + rowsTarget);
                byte[] begin = Keys.data(info.layer(), first);
                ranges.add(
                        end == first + 1
                                ? KeyRange.ofKey(begin)
                                : new KeyRange(begin, Keys.data(info.layer(), end), (int) (end - first)));
            }
        }
        return ranges;
    }

    /** Puts rows to their places and zeroes between them; rows come in ascending order of blocks. */
    private final class Placement {

        private final List<Run> runs;
        private final long offset;
        private final int length;
        private final ByteBuffer dst;
        private final int position;
        private int run;
        private long next;
        private @Nullable DamagedBlockException damage;

        Placement(List<Run> runs, long offset, int length, ByteBuffer dst, int position) {
            this.runs = runs;
            this.offset = offset;
            this.length = length;
            this.dst = dst;
            this.position = position;
            this.next = runs.getFirst().first();
        }

        void row(byte[] key, byte[] value) {
            if (damage != null) {
                return;
            }
            long block = Keys.blockOf(key);
            zeroUpTo(block);
            int from = geometry.from(block, offset);
            try {
                codec.decode(block, value, from, geometry.to(block, offset, length) - from, dst, place(block, from));
            } catch (DamagedBlockException e) {
                damage = e;
            }
            next = block + 1;
        }

        void finish() throws VolumeException {
            if (damage != null) {
                throw damaged(damage);
            }
            zeroUpTo(Long.MAX_VALUE);
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
                long bytes = geometry.offsetOf(end - 1)
                        + geometry.to(end - 1, offset, length)
                        - geometry.offsetOf(first)
                        - from;
                Zeroes.put(dst, place(first, from), (int) bytes);
            }
        }

        private int place(long block, int from) {
            return position + (int) (geometry.offsetOf(block) + from - offset);
        }
    }
}
