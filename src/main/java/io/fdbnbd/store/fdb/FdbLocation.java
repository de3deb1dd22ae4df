package io.fdbnbd.store.fdb;

import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * Where a store is: {@code [CLUSTER_FILE][?prefix=TEXT]}, what stands behind {@code fdb:}.
 *
 * @param clusterFile empty: where FoundationDB's own tools look ({@code FDB_CLUSTER_FILE}, {@code ./fdb.cluster}, then
 *     {@code /etc/foundationdb/fdb.cluster})
 * @param prefix what all keys begin with; stores with prefixes of which none begins another share a cluster
 */
public record FdbLocation(Optional<String> clusterFile, String prefix) {

    public static final String PREFIX_DEFAULT = "fdb-nbd/";

    /** A longer prefix would only make every key longer. */
    private static final int PREFIX_BYTES_MAX = 64;

    private static final String PREFIX_OPTION = "prefix=";

    /**
     * Reads a location.
     *
     * @throws IllegalArgumentException with what is wrong, for the user
     */
    public static FdbLocation parse(String text) {
        int options = text.indexOf('?');
        String file = options < 0 ? text : text.substring(0, options);
        String prefix = PREFIX_DEFAULT;
        if (options >= 0) {
            String option = text.substring(options + 1);
            if (!option.startsWith(PREFIX_OPTION)) {
                throw new IllegalArgumentException("\"" + option
                        + "\" is no option of a FoundationDB store: write fdb:[CLUSTER_FILE][?prefix=TEXT]");
            }
            prefix = option.substring(PREFIX_OPTION.length());
        }
        int bytes = prefix.getBytes(StandardCharsets.UTF_8).length;
        if (bytes > PREFIX_BYTES_MAX) {
            throw new IllegalArgumentException(
                    "a prefix has at most " + PREFIX_BYTES_MAX + " bytes, and this one " + bytes);
        }
        return new FdbLocation(file.isEmpty() ? Optional.empty() : Optional.of(file), prefix);
    }

    byte[] prefixBytes() {
        return prefix.getBytes(StandardCharsets.UTF_8);
    }
}
