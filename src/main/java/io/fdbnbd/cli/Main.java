package io.fdbnbd.cli;

import java.util.Objects;
import org.tinylog.Logger;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The program {@code fdb-nbd}. Exit codes: 0 done, 1 it failed, 2 it was called wrongly. */
@Command(
        name = "fdb-nbd",
        description = "Serves network block devices (NBD) whose volumes live in FoundationDB or an embedded RocksDB.",
        mixinStandardHelpOptions = true,
        versionProvider = Main.JarVersion.class,
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {"0:done", "1:it failed; the reason is on standard error", "2:it was called wrongly"})
public final class Main implements Runnable {
    @Spec
    private CommandSpec spec;

    public static void main(String[] args) {
        System.exit(commandLine().execute(args));
    }

    /** The whole command tree, as {@link #main} runs it; tests run it in process. */
    static CommandLine commandLine() {
        return new CommandLine(new Main()).setExecutionExceptionHandler(Main::report);
    }

    /** Only reached without a subcommand. */
    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "A command is missing.");
    }

    // One sentence for people; the stack trace is for -Dtinylog.level=debug.
    private static int report(Exception failure, CommandLine command, CommandLine.ParseResult arguments) {
        String reason = Objects.requireNonNullElse(failure.getMessage(), failure.toString());
        command.getErr().println(command.getColorScheme().errorText("fdb-nbd: " + reason));
        Logger.debug(failure, "the command failed");
        return CommandLine.ExitCode.SOFTWARE;
    }

    /** The version in the manifest of the jar, which the build writes. */
    static final class JarVersion implements IVersionProvider {
        @Override
        public String[] getVersion() {
            String version = Main.class.getPackage().getImplementationVersion();
            return new String[] {"fdb-nbd " + Objects.requireNonNullElse(version, "(not run from its jar)")};
        }
    }
}
