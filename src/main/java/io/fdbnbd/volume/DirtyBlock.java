package io.fdbnbd.volume;

import static io.fdbnbd.util.Checks.check;

import java.nio.ByteBuffer;
import java.util.BitSet;
import org.jspecify.annotations.Nullable;

/**
 * The newest bytes of one block. Whole, or partial: then only the covered bytes are known and the others are what the
 * store has. Guarded by the lock of the write buffer; frozen once FLYING, when its bytes may be read without the lock.
 */
final class DirtyBlock extends DirtyEntry {

    private static final byte[] NO_BYTES = {};

    private final long number;

    /** The content, behind room for a value's header. */
    private byte[] bytes;

    // Which bytes are known; null once all are.
    private @Nullable BitSet covered;

    // The version of this block that is in a transaction now: this one has to wait for it.
    private @Nullable DirtyBlock older;

    // When it became dirty, and when the committer took it up: by the meter, 0 if that was off.
    private long dirtyNanos;
    private long takenNanos;

    // A reader will lay its bytes over what the store has, maybe after its commit.
    private boolean lent;

    // FLYING, and a clear that came later covers it: not what a reader may see any more.
    private boolean shadowed;

    private DirtyBlock(long number, byte[] bytes, @Nullable BitSet covered, FlushEpochs.Epoch epoch) {
        super(epoch);
        this.number = number;
        this.bytes = bytes;
        this.covered = covered;
    }

    static DirtyBlock whole(long number, byte[] bytes, FlushEpochs.Epoch epoch) {
        return new DirtyBlock(number, bytes, null, epoch);
    }

    static DirtyBlock partial(long number, byte[] bytes, FlushEpochs.Epoch epoch) {
        return new DirtyBlock(number, bytes, new BitSet(bytes.length - BlockCodec.HEADER_BYTES), epoch);
    }

    long number() {
        return number;
    }

    long dirtyNanos() {
        return dirtyNanos;
    }

    void setDirtyNanos(long nanos) {
        dirtyNanos = nanos;
    }

    /** The committer's own. */
    long takenNanos() {
        return takenNanos;
    }

    void setTakenNanos(long nanos) {
        takenNanos = nanos;
    }

    byte[] bytes() {
        return bytes;
    }

    /** Replaces all of the content. */
    void replace(byte[] whole) {
        check(state() == State.PENDING, "a frozen block was written");
        bytes = whole;
        covered = null;
    }

    boolean isWhole() {
        return covered == null;
    }

    /**
     * Notes that the bytes from {@code from} to {@code to} are known.
     *
     * @param contentBytes how many bytes of the block lie inside the volume
     */
    void cover(int from, int to, int contentBytes) {
        check(state() == State.PENDING, "a frozen block was written");
        if (covered != null) {
            covered.set(from, to);
            if (covered.nextClearBit(0) >= contentBytes) {
                covered = null;
            }
        }
    }

    /** Makes a partial block whole: what is not covered is taken from {@code base}, a block as the store has it. */
    void fill(byte[] base) {
        BitSet known = covered;
        if (known == null) {
            return;
        }
        byte[] merged = base.clone();
        for (int from = known.nextSetBit(0); from >= 0; ) {
            int to = known.nextClearBit(from);
            System.arraycopy(bytes, BlockCodec.HEADER_BYTES + from, merged, BlockCodec.HEADER_BYTES + from, to - from);
            from = known.nextSetBit(to);
        }
        bytes = merged;
        covered = null;
    }

    /**
     * Lays what is known of the bytes from {@code from} to {@code to} over {@code dst}, where the byte {@code from}
     * stands at {@code position}.
     */
    void overlay(int from, int to, ByteBuffer dst, int position) {
        BitSet known = covered;
        if (known == null) {
            dst.put(position, bytes, BlockCodec.HEADER_BYTES + from, to - from);
            return;
        }
        for (int start = known.nextSetBit(from); start >= 0 && start < to; ) {
            int end = Math.min(to, known.nextClearBit(start));
            dst.put(position + start - from, bytes, BlockCodec.HEADER_BYTES + start, end - start);
            start = known.nextSetBit(end);
        }
    }

    void lend() {
        lent = true;
    }

    boolean isLent() {
        return lent;
    }

    /** Its bytes, for another use: nobody may ask this block for any from here on. */
    byte[] takeBytes() {
        check(state() == State.DONE && !lent, "a block's bytes were taken while somebody needs them");
        byte[] taken = bytes;
        bytes = NO_BYTES;
        return taken;
    }

    @Nullable
    DirtyBlock older() {
        return older;
    }

    void setOlder(@Nullable DirtyBlock block) {
        older = block;
    }

    boolean isShadowed() {
        return shadowed;
    }

    void shadow() {
        shadowed = true;
    }
}
