package io.fdbnbd.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.Reader;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import picocli.CommandLine;

/** In the server itself: what it performs for others, and answers over the control socket. */
final class ServerReach implements Reach {
    private static final Surroundings NOBODY =
            new Surroundings(Map.of(), Path.of(""), false, new BufferedReader(Reader.nullReader()));

    private final Administration administration;

    ServerReach(Administration administration) {
        this.administration = administration;
    }

    @Override
    public int perform(VolumeAction action) throws IOException {
        action.perform(administration);
        return Main.EXIT_DONE;
    }

    /** Runs {@code volume} with these arguments, and returns what it printed. */
    ControlMessages.Answer answer(List<String> arguments) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        CommandLine command = Main.configured(
                        VolumeCommand.commandLine(this, NOBODY).setCommandName("fdb-nbd volume"))
                .setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(err, true));
        int exitCode = command.execute(arguments.toArray(new String[0]));
        return new ControlMessages.Answer(exitCode, out.toString(), err.toString());
    }
}
