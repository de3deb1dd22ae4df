package io.fdbnbd.cli;

import picocli.CommandLine;
import picocli.CommandLine.ParameterException;

/** A command that only has subcommands was called without one. */
final class MissingCommandException extends ParameterException {
    private static final long serialVersionUID = 1L;

    MissingCommandException(CommandLine command) {
        super(
                command,
                "a command is missing: one of "
                        + String.join(", ", command.getSubcommands().keySet()));
    }
}
