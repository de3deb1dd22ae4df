package io.fdbnbd.util;

/**
 * Preconditions that are always on, in production too: a broken assumption stops the operation that met it instead of
 * reaching the disk. Messages are constant text, so that a check that holds allocates nothing.
 */
public final class Checks {
    private Checks() {}

    /** The program's own assumption: a failure is a bug in this program. */
    public static void check(boolean holds, String message) {
        if (!holds) {
            throw new IllegalStateException(message);
        }
    }

    /** What a caller passed in: a failure is the caller's. */
    public static void checkArgument(boolean holds, String message) {
        if (!holds) {
            throw new IllegalArgumentException(message);
        }
    }

    /** Returns {@code value} if {@code min <= value <= max}; {@code name} is what the message calls it. */
    public static long checkRange(long value, long min, long max, String name) {
        if (value < min || value > max) {
            throw new IllegalArgumentException(name + " is " + value + ", not between " + min + " and " + max);
        }
        return value;
    }

    /** As {@link #checkRange(long, long, long, String)}, for ints. */
    public static int checkRange(int value, int min, int max, String name) {
        return (int) checkRange((long) value, min, max, name);
    }

    /**
     * Whether {@code offset} and {@code length} name a span inside {@code size} bytes, computed so that no sum can
     * overflow. Negative values are never inside.
     */
    public static boolean isInside(long offset, long length, long size) {
        return offset >= 0 && length >= 0 && length <= size && offset <= size - length;
    }
}
