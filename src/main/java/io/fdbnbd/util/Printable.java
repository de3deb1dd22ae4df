package io.fdbnbd.util;

/** Text that somebody else has chosen, for a line that people read. */
public final class Printable {
    private Printable() {}

    /** The text on one line, without anything that a terminal would obey. */
    public static String of(String text) {
        StringBuilder out = new StringBuilder(text.length());
        text.codePoints().forEach(c -> {
            if (isPrintable(c)) {
                out.appendCodePoint(c);
            } else {
                out.append(String.format("\\u%04x", c));
            }
        });
        return out.toString();
    }

    /** As {@link #of(String)}, of the first {@code charsMax} of the text. */
    public static String of(String text, int charsMax) {
        return text.length() <= charsMax ? of(text) : of(text.substring(0, charsMax)) + "...";
    }

    private static boolean isPrintable(int codePoint) {
        return switch (Character.getType(codePoint)) {
            case Character.CONTROL,
                    Character.FORMAT,
                    Character.LINE_SEPARATOR,
                    Character.PARAGRAPH_SEPARATOR,
                    Character.SURROGATE -> false;
            default -> true;
        };
    }
}
