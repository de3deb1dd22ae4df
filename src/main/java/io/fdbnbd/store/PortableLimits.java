package io.fdbnbd.store;

import io.fdbnbd.store.StoreException.Kind;
import java.time.Duration;
import java.util.List;

/**
 * FoundationDB's limits, which every store keeps: what one of them takes, all of them take, so that a volume's format
 * that passes its tests on one is good for the others.
 */
public final class PortableLimits {
    public static final int KEY_BYTES_MAX = 10_000;
    public static final int VALUE_BYTES_MAX = 100_000;
    public static final long BATCH_BYTES_MAX = 10_000_000;

    /** Keys that begin with this byte are FoundationDB's own; as a key of one byte it may end a range. */
    private static final byte SYSTEM_PREFIX = (byte) 0xff;

    /** A bound may be one byte longer than a key: the end of the range that holds the longest key alone. */
    private static final int BOUND_BYTES_MAX = KEY_BYTES_MAX + 1;

    private static final Batch.Operations CHECK_EACH = new Batch.Operations() {
        @Override
        public void set(byte[] key, byte[] value) throws StoreException {
            checkKey(key);
            if (value.length > VALUE_BYTES_MAX) {
                throw tooLarge("value", value.length, VALUE_BYTES_MAX);
            }
        }

        @Override
        public void clear(byte[] key) throws StoreException {
            checkKey(key);
        }

        @Override
        public void clearRange(byte[] begin, byte[] end) throws StoreException {
            checkBound(begin);
            checkBound(end);
        }

        @Override
        public void setBits(byte[] key, byte[] bits) throws StoreException {
            set(key, bits);
        }

        @Override
        public void clearBits(byte[] key, byte[] bits) throws StoreException {
            set(key, bits);
        }
    };

    /** Best size of a range that is read where no trip has to be made for it. */
    private static final int SERIAL_READ_BYTES_TARGET = 1 << 20;

    private PortableLimits() {}

    /**
     * The limits of a store that commits one batch after the other, and whose guards are checked at every call.
     *
     * @param batchBytesTarget as in {@link StoreLimits}
     */
    public static StoreLimits ofSerialStore(int batchBytesTarget) {
        return new StoreLimits(
                KEY_BYTES_MAX,
                VALUE_BYTES_MAX,
                BATCH_BYTES_MAX,
                batchBytesTarget,
                1,
                batchBytesTarget,
                SERIAL_READ_BYTES_TARGET,
                0,
                Duration.ZERO);
    }

    /**
     * Refuses a batch that is too large, or that holds a key or value that is.
     *
     * @throws StoreException FATAL, with what is wrong
     */
    public static void check(Batch batch) throws StoreException {
        if (batch.countedBytes() > BATCH_BYTES_MAX) {
            throw tooLarge("transaction", batch.countedBytes(), BATCH_BYTES_MAX);
        }
        for (Guard guard : batch.guards()) {
            checkKey(guard.key());
        }
        batch.forEach(CHECK_EACH);
    }

    /**
     * Refuses ranges with bounds that no key could have.
     *
     * @throws StoreException FATAL, with what is wrong
     */
    public static void check(List<KeyRange> ranges) throws StoreException {
        for (int i = 0; i < ranges.size(); i++) {
            KeyRange range = ranges.get(i);
            checkBound(range.begin());
            checkBound(range.end());
        }
    }

    private static void checkKey(byte[] key) throws StoreException {
        if (key.length > KEY_BYTES_MAX) {
            throw tooLarge("key", key.length, KEY_BYTES_MAX);
        }
        if (key.length > 0 && key[0] == SYSTEM_PREFIX) {
            throw reserved();
        }
    }

    private static void checkBound(byte[] bound) throws StoreException {
        if (bound.length > BOUND_BYTES_MAX) {
            throw tooLarge("bound of a range", bound.length, BOUND_BYTES_MAX);
        }
        if (bound.length > 1 && bound[0] == SYSTEM_PREFIX) {
            throw reserved();
        }
    }

    private static StoreException tooLarge(String what, long bytes, long bytesMax) {
        return new StoreException(
                Kind.FATAL, what + " too large: " + bytes + " bytes where a store takes at most " + bytesMax);
    }

    private static StoreException reserved() {
        return new StoreException(Kind.FATAL, "key outside legal range: FoundationDB keeps 0xff and after for itself");
    }
}
