package io.fdbnbd.volume;

import java.nio.ByteBuffer;

/**
 * What the units of a simulated volume hold. A unit is the smallest thing that is written there, and its content follows
 * from a stamp: even ones give bytes that compress, odd ones bytes that do not, 0 zeroes.
 */
final class UnitContent {

    /** Not the content of any one stamp. */
    static final long TORN = -1;

    private UnitContent() {}

    /** Puts {@code units} units at the position of {@code dst}. */
    static void put(ByteBuffer dst, int units, int unitBytes, long stamp) {
        for (int unit = 0; unit < units; unit++) {
            for (int i = 0; i < unitBytes / Long.BYTES; i++) {
                dst.putLong(word(stamp, i));
            }
        }
    }

    /** The stamp of the unit that begins at {@code offset}, or {@link #TORN}. */
    static long stamp(ByteBuffer src, int offset, int unitBytes) {
        long stamp = src.getLong(offset);
        for (int i = 1; i < unitBytes / Long.BYTES; i++) {
            if (src.getLong(offset + i * Long.BYTES) != word(stamp, i)) {
                return TORN;
            }
        }
        return stamp;
    }

    private static long word(long stamp, int index) {
        return index == 0 || (stamp & 1) == 0 ? stamp : (stamp + index) * 0x9E3779B97F4A7C15L ^ stamp << 21;
    }
}
