package io.fdbnbd.cli;

import io.fdbnbd.server.ListenAddress;
import io.fdbnbd.util.Printable;
import io.fdbnbd.volume.VolumeInfo;
import io.fdbnbd.volume.VolumeStatus;
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
    String attachedText(VolumeStatus status) {
        if (addresses != null) {
            return status.attachedCount() == 0 ? "no" : "by " + Text.count(status.attachedCount(), "connection");
        }
        if (!(store instanceof StoreAddress.Fdb)) {
            return "no server has the store";
        }
        return status.owner()
                .map(owner -> "by " + Printable.of(owner) + ", if that lives")
                .orElse("no");
    }

    /** Whether what the clients were answered may be missing, for people. */
    String cleanText(VolumeStatus status) {
        if (status.attachedCount() > 0) {
            return "in use";
        }
        if (status.markedBy().isEmpty()) {
            return "clean";
        }
        String holder = Printable.of(status.markedBy().get());
        return addresses == null
                        && store instanceof StoreAddress.Fdb
                        && status.owner().isPresent()
                ? "in use, or left unclean, by " + holder
                : "left unclean by " + holder + ": see `fdb-nbd volume recover --help`";
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
