package io.fdbnbd.cli;

import io.fdbnbd.util.Printable;
import io.fdbnbd.volume.VolumeException;
import java.util.Objects;
import java.util.Set;
import org.tinylog.Logger;
import picocli.CommandLine;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.TypeConversionException;
import picocli.CommandLine.UnmatchedArgumentException;

/** How a command that did not succeed tells so: one sentence on standard error, and the exit code. */
final class Failures {
    private Failures() {}

    static int report(Exception failure, CommandLine command, CommandLine.ParseResult arguments) {
        command.getErr().println("fdb-nbd: " + sentence(failure));
        Logger.debug(failure, "the command failed");
        boolean wrongCall = failure instanceof VolumeException e && e.kind() == VolumeException.Kind.INVALID;
        return wrongCall ? CommandLine.ExitCode.USAGE : Main.EXIT_FAILED;
    }

    static int reportWrongCall(ParameterException failure, String[] arguments) {
        CommandLine command = failure.getCommandLine();
        command.getErr().println("fdb-nbd: " + wrongCall(failure));
        if (failure instanceof MissingCommandException) {
            command.usage(command.getErr());
        } else {
            command.getErr().println("See " + command.getCommandSpec().qualifiedName() + " --help");
        }
        return CommandLine.ExitCode.USAGE;
    }

    // What a converter says is a sentence of its own; picocli's words before it only count the arguments.
    private static String wrongCall(ParameterException failure) {
        if (failure instanceof UnmatchedArgumentException unmatched && !unmatched.isUnknownOption()) {
            return extra(unmatched);
        }
        ArgSpec argument = failure.getArgSpec();
        if (argument == null || !(failure.getCause() instanceof TypeConversionException cause)) {
            return sentence(failure);
        }
        String name = argument instanceof OptionSpec option ? option.longestName() : argument.paramLabel();
        return "in " + name + ": " + sentence(cause);
    }

    private static String extra(UnmatchedArgumentException failure) {
        String first = "\"" + Printable.of(failure.getUnmatched().getFirst()) + "\"";
        Set<String> commands = failure.getCommandLine().getSubcommands().keySet();
        return commands.isEmpty()
                ? first + " is one argument too many"
                : first + " is no command: there are " + String.join(", ", commands);
    }

    static String sentence(Throwable failure) {
        return Printable.of(Objects.requireNonNullElse(failure.getMessage(), failure.toString()));
    }
}
