package io.fdbnbd.cli;

import io.fdbnbd.util.Printable;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code fdb-nbd volume recover}. */
@Command(
        name = "recover",
        description = {
            "Lets clients attach a volume again that a server left unclean: it ended without having stored all writes"
                    + " that it had answered. Whatever was flushed is there. Say so only when what uses the volume has"
                    + " been restarted, as after the loss of power, and finds out from the disk where it stands: a"
                    + " client that just carries on would take for written what is not."
        },
        footerHeading = "%nExamples:%n",
        footer = {"  fdb-nbd volume recover disk"})
final class RecoverVolume extends VolumeAction {
    @Parameters(index = "0", paramLabel = "NAME", description = "The volume.")
    private String name;

    RecoverVolume(Reach reach) {
        super(reach);
    }

    @Override
    List<String> request() {
        return List.of("recover", "--", name);
    }

    @Override
    void perform(Administration volumes) throws IOException {
        Optional<String> leftBy = volumes.volumes().recover(name);
        out().println(
                        leftBy.isEmpty()
                                ? "volume " + Text.name(name) + " is clean: there is nothing to do"
                                : "volume " + Text.name(name) + " can be attached again; it was left unclean by "
                                        + Printable.of(leftBy.get()));
    }
}
