package io.fdbnbd.volume;

import io.fdbnbd.store.KeyRange;
import io.fdbnbd.store.Store;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Reads all that is stored of a volume and checks it: that each key is one of the volume's, and each value what was
 * written under it. Part by part, in the order of the keys; who wants the next part says where the last one ended, so
 * nothing is kept here between two. What it costs follows from what is stored, not from the volume's size.
 *
 * <p>Needs no ownership and disturbs none: a block's value is replaced as a whole, so it is right at any moment, whoever
 * writes. Any thread; waits for the store. One read holds at most {@link #RANGES_MAX} ranges of the store's best size.
 */
public final class Scrub {

    /** Damages that a part names; more are only counted. */
    public static final int DAMAGES_MAX = 100;

    /** Ranges that are asked for at once, for stores that read them at the same time. */
    private static final int RANGES_MAX = 16;

    /** Counted bytes that a store's reply has for a row beside its key and value. */
    private static final int ROW_BYTES = 24;

    /** Attempts of a read that fails in a way that passes: half a minute. */
    private static final int ATTEMPTS_MAX = 80;

    /**
     * Something stored that is not what was written there.
     *
     * @param offset of the damaged bytes in the volume; -1 if it is none of the volume's bytes
     */
    public record Damage(long offset, String what) {}

    /**
     * What one part came to.
     *
     * @param next where the next part begins; null after the last one
     * @param nextOffset the place of that in the volume, in bytes
     * @param storedBytes keys and values that were read
     * @param damagedCount all of them, of which {@code damages} are the first
     */
    public record Part(
            byte @Nullable [] next,
            long nextOffset,
            long blocks,
            long storedBytes,
            long damagedCount,
            List<Damage> damages) {}

    private final Store store;
    private final VolumeInfo info;
    private final Geometry geometry;
    private final BlockCodec codec;
    private final byte[] end;
    private final int rowBytes;
    private final int rowsTarget;

    Scrub(Store store, VolumeInfo info) {
        this.store = store;
        this.info = info;
        this.geometry = new Geometry(info.sizeBytes(), info.blockBytes());
        this.codec = new BlockCodec(info.layer(), info.blockBytes(), info.compression());
        this.end = Keys.dataEnd(info.layer());
        this.rowBytes = ROW_BYTES + Keys.DATA_KEY_BYTES + codec.valueBytesMax();
        this.rowsTarget = Math.max(1, (store.limits().readBytesTarget() - 1) / rowBytes);
    }

    /** What is verified. */
    public VolumeInfo info() {
        return info;
    }

    /**
     * Verifies the next part.
     *
     * @param from null for the first part, else the {@code next} of the one before
     * @param bytesMax ends the part after about as many bytes of the store
     * @throws VolumeException IO if the store cannot be read, MISSING if the volume was deleted meanwhile
     */
    public Part verify(byte @Nullable [] from, long bytesMax) throws VolumeException {
        Findings findings = new Findings();
        byte[] next = from;
        try (Backoff backoff = Backoff.exponential(1, 500)) {
            if (next == null) {
                next = Keys.dataBegin(info.layer());
                findings.addOwner(Attempts.repeat(ATTEMPTS_MAX, backoff, () -> Owner.Standing.of(store, info)));
            }
            while (next != null && findings.storedBytes < bytesMax) {
                List<KeyRange> ranges = ranges(next, bytesMax - findings.storedBytes);
                Page page = Attempts.repeat(ATTEMPTS_MAX, backoff, () -> {
                    Page read = new Page(ranges);
                    store.read(null, ranges, read::row);
                    return read;
                });
                findings.add(page.findings);
                next = page.next();
            }
            if (next == null) {
                checkNotDeleted(backoff);
            }
        }
        long nextOffset = next == null ? info.sizeBytes() : offsetOf(next);
        return new Part(
                next,
                nextOffset,
                findings.blocks,
                findings.storedBytes,
                findings.damagedCount,
                List.copyOf(findings.damages));
    }

    /** Else nothing at all would be found where nothing is left. */
    private void checkNotDeleted(Backoff backoff) throws VolumeException {
        byte[] key = Keys.volume(VolumeSpec.nameBytes(info.name()));
        byte[] record = VolumeRecord.encode(info);
        if (!Attempts.repeat(ATTEMPTS_MAX, backoff, () -> Arrays.equals(store.get(key), record))) {
            throw new VolumeException(
                    VolumeException.Kind.MISSING, "volume '" + info.name() + "' was deleted while it was verified");
        }
    }

    private long offsetOf(byte[] key) {
        long block = blockAt(key);
        return isInside(block) ? geometry.offsetOf(block) : info.sizeBytes();
    }

    /** Of any key: also of one that is too short. */
    private static long blockAt(byte[] key) {
        return Keys.blockOf(Arrays.copyOf(key, Math.max(key.length, Keys.DATA_KEY_BYTES)));
    }

    private boolean isInside(long block) {
        return block >= 0 && block < info.blockCount();
    }

    /** Short ranges, as if every block were stored, and one over all the rest: if nothing is stored, it finds that out. */
    private List<KeyRange> ranges(byte[] from, long bytesMax) {
        int rowsMax = Math.clamp(bytesMax / rowBytes, 1, rowsTarget);
        int count = Math.clamp(bytesMax / rowBytes / rowsMax, 1, RANGES_MAX);
        List<KeyRange> ranges = new ArrayList<>(count);
        byte[] begin = from;
        long block = blockAt(from);
        while (ranges.size() < count - 1 && isInside(block) && info.blockCount() - block > rowsMax) {
            block += rowsMax;
            byte[] last = Keys.data(info.layer(), block);
            // One more than there can be: who finds as many has met a key that should not be.
            ranges.add(new KeyRange(begin, last, rowsMax + 1));
            begin = last;
        }
        ranges.add(new KeyRange(begin, end, rowsMax + 1));
        return ranges;
    }

    /** One read's rows, which come in the order of its ranges. */
    private final class Page {
        private final List<KeyRange> ranges;
        private final Findings findings = new Findings();
        private int range;
        private int rows;
        private byte @Nullable [] last;

        /** Whether a range had more than it could return: what was read behind it is read again. */
        private boolean cut;

        Page(List<KeyRange> ranges) {
            this.ranges = ranges;
        }

        void row(byte[] key, byte[] value) {
            while (Arrays.compareUnsigned(key, ranges.get(range).end()) >= 0) {
                cut |= rows == ranges.get(range).rowsMax();
                range++;
                rows = 0;
            }
            if (!cut) {
                rows++;
                last = key;
                findings.addBlock(key, value);
            }
        }

        byte @Nullable [] next() {
            boolean more = cut || rows == ranges.get(range).rowsMax();
            return more && last != null ? Arrays.copyOf(last, last.length + 1) : null;
        }
    }

    private final class Findings {
        private long blocks;
        private long storedBytes;
        private long damagedCount;
        private final List<Damage> damages = new ArrayList<>();

        void addOwner(Owner.Standing standing) {
            byte[] value = standing.value();
            if (value != null && !Owner.isWellFormed(value)) {
                addDamage(-1, "the record of the volume's owner has " + value.length + " bytes");
            }
        }

        void addBlock(byte[] key, byte[] value) {
            blocks++;
            storedBytes += key.length + value.length;
            if (key.length != Keys.DATA_KEY_BYTES) {
                addDamage(-1, "there is a key of " + key.length + " bytes: " + hex(key));
                return;
            }
            long block = Keys.blockOf(key);
            if (!isInside(block)) {
                addDamage(-1, "block " + Long.toUnsignedString(block) + " is stored, behind the end of the volume");
                return;
            }
            try {
                codec.decode(block, value, 0, 0, ByteBuffer.allocate(0), 0);
            } catch (DamagedBlockException e) {
                addDamage(geometry.offsetOf(block), String.valueOf(e.getMessage()));
            }
        }

        private void addDamage(long offset, String what) {
            damagedCount++;
            if (damages.size() < DAMAGES_MAX) {
                damages.add(new Damage(offset, what));
            }
        }

        void add(Findings more) {
            blocks += more.blocks;
            storedBytes += more.storedBytes;
            damagedCount += more.damagedCount;
            more.damages.stream().limit(DAMAGES_MAX - damages.size()).forEach(damages::add);
        }
    }

    private static String hex(byte[] key) {
        return HexFormat.of().formatHex(key, 0, Math.min(key.length, 64));
    }
}
