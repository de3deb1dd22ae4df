package io.fdbnbd.volume;

import static io.fdbnbd.volume.VolumeException.Kind.DAMAGED;

import io.fdbnbd.store.Guard;
import io.fdbnbd.store.KeyRange;
import io.fdbnbd.store.RowVisitor;
import io.fdbnbd.store.Store;
import io.fdbnbd.store.StoreException;
import io.fdbnbd.util.RateLimit;
import io.fdbnbd.util.Ticker;
import io.fdbnbd.volume.ReadRemainder.Run;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
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

    /** By the machine's clock, which no outcome depends on. */
    private final RateLimit damageLog = new RateLimit(Ticker.SYSTEM);

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

    /** What {@link #read} is to do for one read: see {@link Placement}. */
    Placement placement(List<Run> runs, long offset, int length, ByteBuffer dst, int position) {
        return new Placement(runs, offset, length, dst, position, geometry, codec);
    }

    /**
     * Makes several reads in one of the store. Damage is told by each one's {@link #finish}.
     *
     * @throws VolumeException LOST_OWNERSHIP or IO; the contents of all buffers are then undefined
     */
    void read(List<Placement> reads) throws VolumeException {
        List<KeyRange> ranges = ranges(reads);
        Attempts.repeat(ATTEMPTS_MAX, backoff, stall, () -> {
            reads.forEach(Placement::begin);
            readOwned(ranges, new Rows(reads));
            return true;
        });
    }

    /** Returns when all is in its place; throws DAMAGED if a block was. */
    void finish(Placement read) throws VolumeException {
        DamagedBlockException damage = read.finish();
        if (damage != null) {
            throw damaged(damage);
        }
    }

    /** Gives the rows of several reads, in the order of the reads, to each what is its own. */
    private static final class Rows implements RowVisitor {

        private final List<Placement> reads;
        private int current;

        Rows(List<Placement> reads) {
            this.reads = reads;
        }

        @Override
        public void row(byte[] key, byte[] value) {
            long block = Keys.blockOf(key);
            // All reads see one version: where two of them ask for the same block, both have a row or none has.
            while (!reads.get(current).takes(block)) {
                current++;
            }
            reads.get(current).row(block, value);
        }
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

    /** As {@link #read}, but returns false if that would have to wait; the buffer is then undefined. */
    boolean tryRead(Placement read) {
        List<Placement> reads = List.of(read);
        try {
            if (!store.tryRead(owner.guard(), ranges(reads), new Rows(reads))) {
                return false;
            }
        } catch (StoreException e) {
            // What to make of it, the read that waits finds out.
            return false;
        }
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
            readOwned(ranges, (key, value) -> values.put(Keys.blockOf(key), value.clone()));
            List<byte[]> contents = new ArrayList<>(numbers.size());
            for (long number : numbers) {
                contents.add(whole(number, values.get(number)));
            }
            return contents;
        });
    }

    /** The stored pages of the allocation map from {@code first} to {@code end}, the first {@code max} of them. */
    NavigableMap<Long, byte[]> readMap(long first, long end, int max) throws VolumeException {
        KeyRange range = new KeyRange(Keys.map(info.layer(), first), Keys.map(info.layer(), end), max);
        return Attempts.repeat(ATTEMPTS_MAX, backoff, stall, () -> {
            NavigableMap<Long, byte[]> pages = new TreeMap<>();
            readOwned(List.of(range), (key, value) -> pages.put(Keys.pageOf(key), value.clone()));
            return pages;
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
        long suppressed = damageLog.tryLine();
        if (suppressed >= 0) {
            Logger.error("volume '{}': {}{}", info.name(), cause.getMessage(), RateLimit.leftOut(suppressed));
        }
        return new VolumeException(DAMAGED, "volume '" + info.name() + "': " + cause.getMessage(), cause);
    }

    private List<KeyRange> ranges(List<Placement> reads) {
        List<KeyRange> ranges = new ArrayList<>(reads.size());
        for (Placement read : reads) {
            for (Run run : read.runs()) {
                addRanges(run, ranges);
            }
        }
        return ranges;
    }

    private void addRanges(Run run, List<KeyRange> ranges) {
        for (long first = run.first(); first < run.end(); first += rowsTarget) {
            long end = Math.min(run.end(), first + rowsTarget);
            byte[] begin = Keys.data(info.layer(), first);
            ranges.add(
                    end == first + 1
                            ? KeyRange.ofKey(begin)
                            : new KeyRange(begin, Keys.data(info.layer(), end), (int) (end - first)));
        }
    }
}
