package io.fdbnbd.cli;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.OutputStreamWriter;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.RunLast;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/** The program {@code fdb-nbd}, and what is common to all its commands. */
@Command(
        name = "fdb-nbd",
        description = "Serves network block devices (NBD) whose volumes live in FoundationDB or an embedded RocksDB.",
        versionProvider = Main.JarVersion.class,
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {"0:done", "1:it failed; the reason is on standard error", "2:it was called wrongly"},
        footerHeading = "%nExamples:%n",
        footer = {"  fdb-nbd serve --create disk:10G", "  fdb-nbd volume list", "  fdb-nbd serve --help"})
public final class Main implements Runnable {
    static final int EXIT_DONE = CommandLine.ExitCode.OK;
    static final int EXIT_FAILED = CommandLine.ExitCode.SOFTWARE;

    static final String STORE_VARIABLE = "FDB_NBD_STORE";

    private static final String STORE_OPTION = "--store";
    private static final int USAGE_COLUMNS = 100;
    private static final char UNREADABLE = '\ufffd';

    private final Surroundings surroundings;

    @Spec
    private CommandSpec spec;

    @Option(
            names = STORE_OPTION,
            scope = ScopeType.INHERIT,
            paramLabel = "STORE",
            description = {
                "Where the volumes are: rocksdb:DIR, fdb:[CLUSTER_FILE][?prefix=TEXT] or memory: (gone when the server"
                        + " ends).",
                "Default: the variable " + STORE_VARIABLE + ", else rocksdb: and the directory fdb-nbd/rocksdb in"
                        + " $XDG_STATE_HOME or ~/.local/state."
            })
    private @Nullable String store;

    @Option(
            names = "--log-level",
            scope = ScopeType.INHERIT,
            paramLabel = "LEVEL",
            converter = Converters.LogLevelByName.class,
            description = "What is logged to standard error: off, error, warn, info, debug or trace. Default: info.")
    private @Nullable LogLevel logLevel;

    @Option(
            names = "--log-format",
            scope = ScopeType.INHERIT,
            paramLabel = "FORMAT",
            converter = Converters.LogFormatByName.class,
            description = "What a line of the log is: text, or json for an object with time, level, thread, class,"
                    + " message and, if there is one, exception. Default: text.")
    private LogFormat logFormat = LogFormat.TEXT;

    @Option(
            names = {"-h", "--help"},
            scope = ScopeType.INHERIT,
            usageHelp = true,
            description = "Show this help and exit.")
    @SuppressWarnings("UnusedVariable") // picocli acts on it
    private boolean help;

    @Option(
            names = {"-V", "--version"},
            versionHelp = true,
            description = "Print the version and exit.")
    @SuppressWarnings("UnusedVariable") // picocli acts on it
    private boolean version;

    private Main(Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    public static void main(String[] args) {
        CommandLine command = commandLine().setOut(utf8(FileDescriptor.out)).setErr(utf8(FileDescriptor.err));
        System.exit(run(command, args));
    }

    /** Executes a command line that came from outside. */
    static int run(CommandLine command, String... arguments) {
        for (String argument : arguments) {
            // In a locale without UTF-8 the JVM puts this where it could not read, and two names would become one.
            if (argument.indexOf(UNREADABLE) >= 0) {
                command.getErr()
                        .println("fdb-nbd: an argument is not readable in the encoding of this locale: set LC_ALL to a"
                                + " locale with UTF-8, like C.UTF-8");
                return CommandLine.ExitCode.USAGE;
            }
        }
        return command.execute(arguments);
    }

    // Not the encoding of the locale: names are UTF-8, and so is JSON.
    private static PrintWriter utf8(FileDescriptor descriptor) {
        return new PrintWriter(new OutputStreamWriter(new FileOutputStream(descriptor), StandardCharsets.UTF_8), true);
    }

    /** The whole command tree, as {@link #main} runs it; manual pages and completions are made from it. */
    public static CommandLine commandLine() {
        return commandLine(Surroundings.ofProcess());
    }

    /** The same in other surroundings; tests run it in process. */
    static CommandLine commandLine(Surroundings surroundings) {
        Main main = new Main(surroundings);
        CommandLine report = new CommandLine(new ReportCommand());
        CommandLine bench = new CommandLine(new BenchCommand(surroundings));
        CommandLine command = new CommandLine(main)
                .addSubcommand(new ServeCommand(main::storeAddress, surroundings))
                .addSubcommand(report)
                .addSubcommand(bench)
                .addSubcommand(new TopCommand(main::storeAddress, surroundings))
                .addSubcommand(
                        VolumeCommand.commandLine(new StoreReach(main::storeAddress, surroundings), surroundings));
        withoutStore(report.getCommandSpec());
        withoutStore(bench.getCommandSpec());
        return configured(command).setExecutionStrategy(main::execute);
    }

    /** Takes what all commands have been given from one that would ignore it. */
    private static void withoutStore(CommandSpec command) {
        command.remove(command.findOption(STORE_OPTION));
    }

    /** What any tree of commands here needs. */
    static CommandLine configured(CommandLine command) {
        return command.registerConverter(Integer.TYPE, new Converters.WholeNumber())
                .setExpandAtFiles(false) // a volume's name may begin with an @
                .setUsageHelpWidth(USAGE_COLUMNS)
                .setParameterExceptionHandler(Failures::reportWrongCall)
                .setExecutionExceptionHandler(Failures::report);
    }

    private int execute(CommandLine.ParseResult arguments) {
        // Read by the logger when it is used for the first time, which is after this.
        if (logLevel != null) {
            System.setProperty("tinylog.level", logLevel.name().toLowerCase(Locale.ROOT));
        }
        if (logFormat == LogFormat.JSON) {
            System.setProperty("tinylog.writer", JsonLogWriter.NAME);
        }
        return new RunLast().execute(arguments);
    }

    private StoreAddress storeAddress() {
        String variable = surroundings.variable(STORE_VARIABLE);
        String text = Objects.requireNonNullElse(store, variable.isEmpty() ? StoreAddress.ROCKS_PREFIX : variable);
        try {
            return StoreAddress.parse(text, surroundings);
        } catch (IllegalArgumentException e) {
            String source = store == null && !variable.isEmpty() ? STORE_VARIABLE : STORE_OPTION;
            throw new ParameterException(spec.commandLine(), "in " + source + ": " + e.getMessage(), e);
        }
    }

    /** Only reached without a subcommand. */
    @Override
    public void run() {
        throw new MissingCommandException(spec.commandLine());
    }

    /** The version in the manifest of the jar, which the build writes. */
    static String version() {
        return Objects.requireNonNullElse(Main.class.getPackage().getImplementationVersion(), "(not run from its jar)");
    }

    /** {@link #version} for picocli. */
    static final class JarVersion implements IVersionProvider {
        @Override
        public String[] getVersion() {
            return new String[] {"fdb-nbd " + version()};
        }
    }
}
