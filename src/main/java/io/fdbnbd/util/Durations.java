package io.fdbnbd.util;

import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Spans of time as people write them. */
public final class Durations {
    private static final Pattern SYNTAX = Pattern.compile("(\\d{1,9})(ms|s|m|h)");

    private Durations() {}

    /**
     * Reads a whole number and its unit ms, s, m or h: {@code "500ms"}, {@code "30s"}.
     *
     * @throws IllegalArgumentException if the text is anything else, or not positive; the message says what is accepted
     *     and is fit to show to the user
     */
    public static Duration parse(String text) {
        Matcher parts = SYNTAX.matcher(text);
        if (!parts.matches() || Long.parseLong(parts.group(1)) == 0) {
            throw new IllegalArgumentException(
                    "\"" + text + "\" is not a duration: write a whole number above 0 and its"
                            + " unit, ms, s, m or h, like 500ms or 30s");
        }
        long number = Long.parseLong(parts.group(1));
        return switch (parts.group(2)) {
            case "ms" -> Duration.ofMillis(number);
            case "s" -> Duration.ofSeconds(number);
            case "m" -> Duration.ofMinutes(number);
            default -> Duration.ofHours(number);
        };
    }
}
