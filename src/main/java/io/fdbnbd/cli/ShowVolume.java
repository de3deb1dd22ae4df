package io.fdbnbd.cli;

import io.fdbnbd.util.Json;
import io.fdbnbd.volume.VolumeException;
import io.fdbnbd.volume.VolumeInfo;
import java.io.IOException;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code fdb-nbd volume info}. */
@Command(
        name = "info",
        description =
                "Shows one volume: where it is served, who has it attached, whether it is clean, and why it has failed if it"
                        + " has.",
        footerHeading = "%nExamples:%n",
        footer = {
            "  fdb-nbd volume info disk",
            "  fdb-nbd volume info disk --json | jq .size_bytes",
            "",
            "--json prints one object of those that `fdb-nbd volume list --help` describes."
        })
final class ShowVolume extends VolumeAction {
    @Parameters(index = "0", paramLabel = "NAME", description = "The volume.")
    private String name;

    @Option(names = "--json", description = "For programs: see below.")
    private boolean json;

    ShowVolume(Reach reach) {
        super(reach);
    }

    @Override
    List<String> request() {
        return json ? List.of("info", "--json", "--", name) : List.of("info", "--", name);
    }

    @Override
    void perform(Administration volumes) throws IOException {
        VolumeInfo info = volumes.volumes()
                .catalog()
                .find(name)
                .orElseThrow(() -> new VolumeException(
                        VolumeException.Kind.MISSING,
                        "there is no volume " + Text.name(name) + ": see `fdb-nbd volume list`"));
        if (json) {
            out().println(Json.write(Description.json(info, volumes)));
        } else {
            Text.table(Description.sheet(info, volumes)).forEach(out()::println);
        }
    }
}
