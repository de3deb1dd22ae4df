package io.fdbnbd.cli;

import io.fdbnbd.util.Json;
import io.fdbnbd.util.Printable;
import io.fdbnbd.volume.VolumeException;
import io.fdbnbd.volume.VolumeInfo;
import io.fdbnbd.volume.VolumeList;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code fdb-nbd volume list}. */
@Command(
        name = "list",
        description = "Lists the volumes of a store.",
        footerHeading = "%nExamples:%n",
        footer = {
            "  fdb-nbd volume list",
            "  fdb-nbd volume list --json | jq -r '.[].name'",
            "",
            "--json prints an array, empty if there are no volumes. Each volume is an object with",
            "  name (string), size_bytes, block_bytes, layer (whole numbers),",
            "  compression (\"lz4\", \"zstd\" or \"none\"), created (UTC, like \"2026-01-31T12:00:00.000Z\"),",
            "  attached (how many connections have it; null where no server was asked),",
            "  uris (array of strings: where a running server serves it),",
            "  owner (string: the server that has it attached, or had and never let go; null if none),",
            "  marked_by (string: the server that said that it may hold answered writes which are not durable: its",
            "  owner, if that lives, else it was left unclean; null if none),",
            "  failed_since, failed_because (strings, if the server that was asked has it attached and can not write",
            "  to it any more; else null).",
            "A volume whose record can not be read comes after the others, with name and unreadable (string: what is",
            "wrong) alone, and the command exits with 1."
        })
final class ListVolumes extends VolumeAction {
    @Option(names = "--json", description = "For programs: see below.")
    private boolean json;

    ListVolumes(Reach reach) {
        super(reach);
    }

    @Override
    List<String> request() {
        return json ? List.of("list", "--json") : List.of("list");
    }

    @Override
    void perform(Administration volumes) throws IOException {
        VolumeList all = volumes.volumes().catalog().list();
        if (json) {
            out().println(Json.write(descriptions(all, volumes)));
        } else if (all.volumes().isEmpty() && all.unreadable().isEmpty()) {
            out().println("There are no volumes in "
                    + Printable.of(volumes.store().toString()) + ".");
            out().println("To create one: fdb-nbd volume create disk 10G" + volumes.option());
        } else {
            List<List<String>> rows = new ArrayList<>();
            rows.add(Description.COLUMNS);
            all.volumes().forEach(info -> rows.add(Description.row(info, volumes)));
            all.unreadable().forEach(bad -> rows.add(Description.row(bad)));
            Text.table(rows).forEach(out()::println);
        }
        requireReadable(all.unreadable());
    }

    private static List<Map<String, @Nullable Object>> descriptions(VolumeList all, Administration volumes)
            throws IOException {
        List<Map<String, @Nullable Object>> descriptions = new ArrayList<>();
        for (VolumeInfo info : all.volumes()) {
            descriptions.add(Description.json(info, volumes));
        }
        for (VolumeList.Unreadable bad : all.unreadable()) {
            descriptions.add(Description.json(bad));
        }
        return descriptions;
    }

    /** After the others have been listed. */
    private static void requireReadable(List<VolumeList.Unreadable> unreadable) throws VolumeException {
        if (!unreadable.isEmpty()) {
            String all =
                    unreadable.stream().map(bad -> bad.cause().getMessage()).collect(Collectors.joining("; "));
            throw new VolumeException(unreadable.getFirst().cause().kind(), all);
        }
    }
}
