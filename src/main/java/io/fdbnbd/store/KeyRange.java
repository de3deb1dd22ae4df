package io.fdbnbd.store;

import static io.fdbnbd.util.Checks.checkArgument;

import java.util.Arrays;

/**
 * The keys from {@code begin} (included) to {@code end} (excluded), the first {@code rowsMax} of those present.
 *
 * @param rowsMax at least 1; tight, if the caller knows how many keys there can be: a store may size its work by it
 */
public record KeyRange(byte[] begin, byte[] end, int rowsMax) {

    public KeyRange {
        checkArgument(rowsMax >= 1, "rowsMax must be at least 1");
        checkArgument(Arrays.compareUnsigned(begin, end) <= 0, "a range must not end before it begins");
    }

    /** The range that holds {@code key} alone. */
    public static KeyRange ofKey(byte[] key) {
        return new KeyRange(key, Arrays.copyOf(key, key.length + 1), 1);
    }

    /** Whether this range can hold one key only, so that a store may look it up instead of seeking. */
    public boolean isSingleKey() {
        return end.length == begin.length + 1
                && end[begin.length] == 0
                && Arrays.equals(begin, 0, begin.length, end, 0, begin.length);
    }
}
