package io.fdbnbd.metrics;

import java.net.URLDecoder;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/**
 * What a line of an interval log is about, as its tag: {@code disk/read}. A tag ends at a comma, and volumes may have any
 * name: so names are encoded as in a URL.
 */
public record Tag(String volume, Measure measure) {

    /** Empty if it is not one of ours. */
    public static Optional<Tag> parse(String text) {
        int slash = text.indexOf('/');
        if (slash < 0) {
            return Optional.empty();
        }
        String name = text.substring(slash + 1).toUpperCase(Locale.ROOT);
        return Arrays.stream(Measure.values())
                .filter(measure -> measure.name().equals(name))
                .findFirst()
                .map(measure -> new Tag(decoded(text.substring(0, slash)), measure));
    }

    private static String decoded(String text) {
        try {
            return URLDecoder.decode(text, StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) {
            return text; // not one of ours: it stands for itself
        }
    }

    @Override
    public String toString() {
        return URLEncoder.encode(volume, StandardCharsets.UTF_8) + "/"
                + measure.name().toLowerCase(Locale.ROOT);
    }
}
