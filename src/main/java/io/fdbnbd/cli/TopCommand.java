package io.fdbnbd.cli;

import io.fdbnbd.util.Printable;
import java.io.IOException;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code fdb-nbd top}. */
@Command(
        name = "top",
        description = {
            "Shows what a server's volumes do, once a second, until q or Ctrl-C: operations and MB a second, latencies of"
                    + " reads and writes, what waits in the write buffer, and how much may be committed at once.",
            "The server is the one that has the store's directory, or any that was started with --http."
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  fdb-nbd top",
            "  fdb-nbd top --http http://127.0.0.1:9809",
            "  fdb-nbd top --once --json | jq '.volumes[] | [.name, .iops]'"
        })
final class TopCommand implements Callable<Integer> {
    private final Supplier<StoreAddress> store;
    private final Surroundings surroundings;

    @Spec
    private CommandSpec spec;

    @Option(
            names = "--http",
            paramLabel = "URL",
            description = "Ask this server: as it was given to `serve --http`. Default: the one that has the store.")
    private @Nullable String http;

    @Option(
            names = "--once",
            description = "Print what is now, as plain text, and exit. So where there is no terminal.")
    private boolean once;

    @Option(names = "--json", description = "With --once: print the status document, as /status.json has it.")
    private boolean json;

    /** @param store is asked when the command runs, after its options have been read */
    TopCommand(Supplier<StoreAddress> store, Surroundings surroundings) {
        this.store = store;
        this.surroundings = surroundings;
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        if (json && !once) {
            throw new ParameterException(spec.commandLine(), "--json goes with --once");
        }
        try (TopSource source = source()) {
            // A failure now is the command's; later ones are shown, and may pass.
            String first = source.document();
            if (json) {
                spec.commandLine().getOut().print(first);
                spec.commandLine().getOut().flush();
            } else if (once || !surroundings.terminal()) {
                TopStatus status = TopSource.parse(first);
                status.head().forEach(spec.commandLine().getOut()::println);
                spec.commandLine().getOut().println();
                status.table(Integer.MAX_VALUE).forEach(spec.commandLine().getOut()::println);
            } else {
                try (TopScreen screen = new TopScreen(source)) {
                    screen.run();
                }
            }
        }
        return Main.EXIT_DONE;
    }

    private TopSource source() {
        if (http != null) {
            try {
                return new TopSource.Http(http);
            } catch (IllegalArgumentException e) {
                throw new ParameterException(spec.commandLine(), "in --http: " + e.getMessage(), e);
            }
        }
        return switch (store.get()) {
            case StoreAddress.Rocks rocks -> new TopSource.Control(rocks.directory());
            case StoreAddress.Memory memory -> throw unreachable(memory);
            case StoreAddress.Fdb fdb -> throw unreachable(fdb);
        };
    }

    private ParameterException unreachable(StoreAddress address) {
        return new ParameterException(
                spec.commandLine(),
                "a server of " + Printable.of(address.toString())
                        + " can be asked over HTTP only: start it with --http 127.0.0.1:9809, and say --http here too");
    }
}
