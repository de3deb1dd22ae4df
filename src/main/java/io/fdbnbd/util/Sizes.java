package io.fdbnbd.util;

import java.util.Locale;

/** Byte counts as people write and read them; every unit is a power of 1024. */
public final class Sizes {
    private static final String UNITS = "KMGTP";
    private static final int UNIT_SHIFT_BITS = 10;

    private Sizes() {}

    /**
     * Reads a whole number of bytes, with an optional unit K, M, G, T or P: {@code "512"}, {@code "4K"}, {@code "10g"}.
     *
     * @throws IllegalArgumentException if the text is anything else or the number does not fit a long; the message
     *     says what is accepted and is fit to show to the user
     */
    public static long parse(String text) {
        if (text.isEmpty()) {
            throw notASize(text);
        }
        int last = text.length() - 1;
        int unit = UNITS.indexOf(Character.toUpperCase(text.charAt(last)));
        String digits = unit < 0 ? text : text.substring(0, last);
        if (digits.isEmpty() || !digits.chars().allMatch(c -> c >= '0' && c <= '9')) {
            throw notASize(text);
        }
        try {
            return Math.multiplyExact(Long.parseLong(digits), 1L << (UNIT_SHIFT_BITS * (unit + 1)));
        } catch (NumberFormatException | ArithmeticException e) {
            throw new IllegalArgumentException("the size \"" + text + "\" is too large: it must stay below 8192P", e);
        }
    }

    /** For people: {@code "512 B"}, {@code "4 KiB"}, {@code "1.5 GiB"}; at most one decimal, so not exact. */
    public static String format(long bytes) {
        int unit = 0;
        while (unit < UNITS.length() && magnitude(bytes) >= 1L << (UNIT_SHIFT_BITS * (unit + 1))) {
            unit++;
        }
        if (unit == 0) {
            return bytes + " B";
        }
        double scaled = (double) bytes / (1L << (UNIT_SHIFT_BITS * unit));
        String number = String.format(Locale.ROOT, "%.1f", scaled);
        String shortest = number.endsWith(".0") ? number.substring(0, number.length() - 2) : number;
        return shortest + " " + UNITS.charAt(unit - 1) + "iB";
    }

    // Long.MIN_VALUE has no positive twin; one off does not show in a rounded number.
    private static long magnitude(long bytes) {
        return bytes == Long.MIN_VALUE ? Long.MAX_VALUE : Math.abs(bytes);
    }

    private static IllegalArgumentException notASize(String text) {
        return new IllegalArgumentException("\"" + text + "\" is not a size: write a whole number of bytes, optionally"
                + " followed by K, M, G, T or P (powers of 1024), like 512, 4K or 10G");
    }
}
