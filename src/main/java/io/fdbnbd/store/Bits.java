package io.fdbnbd.store;

import org.jspecify.annotations.Nullable;

/** What {@link Batch#setBits} and {@link Batch#clearBits} make of a value, for stores that have no such operation. */
public final class Bits {
    private Bits() {}

    public static byte[] set(byte @Nullable [] value, byte[] bits) {
        byte[] changed = bits.clone();
        for (int i = 0; value != null && i < Math.min(value.length, changed.length); i++) {
            changed[i] |= value[i];
        }
        return changed;
    }

    /** Returns null if no bit is left. */
    public static byte @Nullable [] clear(byte @Nullable [] value, byte[] bits) {
        if (value == null) {
            return null;
        }
        byte[] changed = new byte[bits.length];
        boolean left = false;
        for (int i = 0; i < Math.min(value.length, changed.length); i++) {
            changed[i] = (byte) (value[i] & ~bits[i]);
            left |= changed[i] != 0;
        }
        return left ? changed : null;
    }
}
