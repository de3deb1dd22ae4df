package io.fdbnbd.cli;

import io.fdbnbd.server.ListenAddress;
import io.fdbnbd.volume.VolumeInfo;
import io.fdbnbd.volume.Volumes;
import java.util.List;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * What the volume commands work on.
 *
 * @param option what commands need to use the same store, by {@link StoreAddress#option}
 * @param tls whether the server in this process serves nobody without TLS
 * @param addresses where a server in this process serves the volumes; null if there is none
 */
record Administration(
        StoreAddress store,
        String option,
        Volumes volumes,
        boolean tls,
        @Nullable List<ListenAddress> addresses) {

    /** Connections that have a volume attached, if that can be known here. */
    OptionalInt attached(VolumeInfo info) {
        return addresses == null ? OptionalInt.empty() : OptionalInt.of(volumes.attachedCount(info.name()));
    }

    /** {@link #attached} for people. */
    String attachedText(VolumeInfo info) {
        OptionalInt count = attached(info);
        if (count.isPresent()) {
            return count.getAsInt() == 0 ? "no" : "by " + Text.count(count.getAsInt(), "connection");
        }
        return store instanceof StoreAddress.Fdb ? "unknown: any server may have it" : "no server has the store";
    }

    /** Where the volume is served; empty if it is not, or if that is not known here. */
    List<String> uris(VolumeInfo info) {
        return addresses == null
                ? List.of()
                : addresses.stream()
                        .map(address -> Attaching.uri(address, info.name(), tls))
                        .toList();
    }
}
