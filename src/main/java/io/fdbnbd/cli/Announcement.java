package io.fdbnbd.cli;

import io.fdbnbd.server.Access;
import io.fdbnbd.server.ListenAddress;
import io.fdbnbd.util.Printable;
import io.fdbnbd.util.Sizes;
import io.fdbnbd.volume.AckMode;
import io.fdbnbd.volume.VolumeInfo;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * What a server says of itself when it has started.
 *
 * @param option what commands need to use the same store, by {@link StoreAddress#option}
 * @param addresses where it listens really
 */
record Announcement(
        StoreAddress store,
        String option,
        List<VolumeInfo> volumes,
        List<ListenAddress> addresses,
        AckMode ack,
        Access access) {

    /** More are counted, not named. */
    private static final int VOLUMES_NAMED_MAX = 20;

    /** With more than this the lines to attach them are shown for the first alone. */
    private static final int VOLUMES_ATTACHED_MAX = 3;

    /** For the log. */
    String line() {
        String where = addresses.stream().map(ListenAddress::toString).collect(Collectors.joining(", "));
        String names = volumes.stream()
                .limit(VOLUMES_NAMED_MAX)
                .map(info -> Text.name(info.name()) + " " + Sizes.format(info.sizeBytes()))
                .collect(Collectors.joining(", "));
        String more = volumes.size() > VOLUMES_NAMED_MAX ? ", ..." : "";
        return "serving " + Text.count(volumes.size(), "volume") + (names.isEmpty() ? "" : " (" + names + more + ")")
                + " of " + Printable.of(store.toString()) + " at " + where + ", --ack " + lower(ack)
                + (access.readOnly().all() ? ", --read-only" : "") + (access.isTlsRequired() ? ", TLS only" : "")
                + (isInMemory() ? "; all of it is gone when this server ends" : "");
    }

    /** The same as URIs, for the log: a line for each volume that is shown. */
    List<String> uriLines() {
        return attached().stream()
                .map(info -> "volume " + Text.name(info.name()) + " is "
                        + addresses.stream()
                                .map(address -> Attaching.uri(address, info.name(), access.isTlsRequired()))
                                .collect(Collectors.joining(" and ")))
                .toList();
    }

    private List<VolumeInfo> attached() {
        return volumes.size() <= VOLUMES_ATTACHED_MAX ? volumes : volumes.subList(0, 1);
    }

    /** For a person at a terminal. */
    List<String> text() {
        List<String> text = new ArrayList<>();
        text.add("Serving " + Text.count(volumes.size(), "volume")
                + (access.readOnly().all() ? ", read-only," : "") + " of "
                + Printable.of(store.toString()) + " at "
                + addresses.stream().map(ListenAddress::toString).collect(Collectors.joining(" and ")));
        if (isInMemory()) {
            text.add("Everything is in memory only: it is gone when this server ends.");
        }
        text.add(
                switch (ack) {
                    case BUFFERED ->
                        "A write is answered at once, and is safe after the client's next flush" + " (--ack buffered).";
                    case COMMITTED -> "A write is answered when the store has it (--ack committed).";
                });
        addVolumes(text);
        text.add("");
        text.add(isInMemory() ? "Ctrl-C ends it." : "Ctrl-C ends it, after everything that was answered is stored.");
        return text;
    }

    private void addVolumes(List<String> text) {
        text.add("");
        if (volumes.isEmpty()) {
            text.add("There are no volumes yet. " + createHint());
            return;
        }
        List<List<String>> rows = volumes.stream()
                .limit(VOLUMES_NAMED_MAX)
                .map(info -> List.of("  " + Printable.of(info.name()), Sizes.format(info.sizeBytes())))
                .toList();
        text.addAll(Text.table(rows));
        if (volumes.size() > VOLUMES_NAMED_MAX) {
            text.add("  and " + (volumes.size() - VOLUMES_NAMED_MAX) + " more: fdb-nbd volume list" + option);
        }
        text.add("");
        boolean all = volumes.size() <= VOLUMES_ATTACHED_MAX;
        text.add("To attach " + (all ? "them" : Text.name(volumes.getFirst().name()) + ", and the others likewise")
                + ", by URI, as root after `modprobe nbd`, or in QEMU:");
        for (VolumeInfo info : attached()) {
            for (ListenAddress address : addresses) {
                text.add("  " + Attaching.quoted(Attaching.uri(address, info.name(), access.isTlsRequired())));
                text.add("  " + Attaching.nbdClient(address, info.name(), access.isTlsRequired()));
                text.add("  qemu-system-x86_64 ... " + Attaching.qemu(address, info.name(), access.isTlsRequired()));
            }
        }
    }

    private String createHint() {
        return isInMemory()
                ? "To have one: fdb-nbd serve --store memory: --create disk:10G"
                : "To create one, in another terminal: fdb-nbd volume create disk 10G" + option;
    }

    private boolean isInMemory() {
        return store instanceof StoreAddress.Memory;
    }

    private static String lower(AckMode ack) {
        return ack.name().toLowerCase(Locale.ROOT);
    }
}
