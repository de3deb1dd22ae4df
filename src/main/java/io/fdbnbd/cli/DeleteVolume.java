package io.fdbnbd.cli;

import java.io.IOException;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;

/** {@code fdb-nbd volume delete}. */
@Command(
        name = "delete",
        description = {
            "Deletes a volume and everything in it. There is no way back. A volume that clients have attached is kept;"
                    + " on FoundationDB that of a server which ended without letting go is deleted after 10 s."
        },
        footerHeading = "%nExamples:%n",
        footer = {"  fdb-nbd volume delete disk", "  fdb-nbd volume delete disk --yes"})
final class DeleteVolume extends VolumeAction {
    private final Surroundings surroundings;

    @Parameters(index = "0", paramLabel = "NAME", description = "The volume.")
    private String name;

    @Option(
            names = {"-y", "--yes"},
            description = "Do not ask. Needed where nobody can be asked: in scripts.")
    private boolean yes;

    DeleteVolume(Reach reach, Surroundings surroundings) {
        super(reach);
        this.surroundings = surroundings;
    }

    @Override
    public Integer call() throws IOException {
        if (!yes && !isConfirmed()) {
            err().println("fdb-nbd: nothing was deleted");
            return Main.EXIT_FAILED;
        }
        return super.call();
    }

    private boolean isConfirmed() throws IOException {
        if (!surroundings.terminal()) {
            throw new ParameterException(
                    spec().commandLine(),
                    "nobody can be asked here whether to delete " + Text.name(name) + ": add --yes");
        }
        out().print("Delete volume " + Text.name(name) + " and everything in it? [y/N] ");
        out().flush();
        String answer = surroundings.input().readLine();
        return answer != null && List.of("y", "yes").contains(answer.strip().toLowerCase(Locale.ROOT));
    }

    @Override
    List<String> request() {
        return List.of("delete", "--yes", "--", name);
    }

    @Override
    void perform(Administration volumes) throws IOException {
        volumes.volumes().delete(name);
        out().println("deleted volume " + Text.name(name));
    }
}
