package io.fdbnbd.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code fdb-nbd volume}: only its subcommands do something. */
@Command(
        name = "volume",
        description =
                "Creates, lists, shows, recovers, verifies and deletes volumes, also while a server has the store.",
        footerHeading = "%nExamples:%n",
        footer = {
            "  fdb-nbd volume create disk 10G",
            "  fdb-nbd volume list",
            "  fdb-nbd volume info disk --json",
            "  fdb-nbd volume recover disk",
            "  fdb-nbd volume verify disk",
            "  fdb-nbd volume delete disk"
        })
final class VolumeCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    private VolumeCommand() {}

    /** The command with its subcommands, which get at the volumes by {@code reach}. */
    static CommandLine commandLine(Reach reach, Surroundings surroundings) {
        return new CommandLine(new VolumeCommand())
                .addSubcommand(new CreateVolume(reach))
                .addSubcommand(new ListVolumes(reach))
                .addSubcommand(new ShowVolume(reach))
                .addSubcommand(new RecoverVolume(reach))
                .addSubcommand(new VerifyVolume(reach, surroundings))
                .addSubcommand(new DeleteVolume(reach, surroundings));
    }

    @Override
    public void run() {
        throw new MissingCommandException(spec.commandLine());
    }
}
