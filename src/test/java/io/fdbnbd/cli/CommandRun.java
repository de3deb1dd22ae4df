package io.fdbnbd.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.PrintWriter;
import java.io.StringReader;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.Map;

/** The program, run in this process, and what it printed. */
record CommandRun(int exitCode, String out, String err) {

    static final int DONE = 0;
    static final int FAILED = 1;
    static final int WRONG_CALL = 2;

    /** Without a terminal, and without a store in the environment. */
    static CommandRun of(String... arguments) {
        return of(noTerminal(Map.of()), arguments);
    }

    static CommandRun of(Surroundings surroundings, String... arguments) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        int exitCode = Main.run(
                Main.commandLine(surroundings)
                        .setOut(new PrintWriter(out, true))
                        .setErr(new PrintWriter(err, true)),
                arguments);
        return new CommandRun(exitCode, out.toString(), err.toString());
    }

    static Surroundings noTerminal(Map<String, String> environment) {
        return new Surroundings(environment, Path.of("/nowhere"), false, new BufferedReader(new StringReader("")));
    }

    /** A person who types this. */
    static Surroundings terminal(String typed) {
        return new Surroundings(Map.of(), Path.of("/nowhere"), true, new BufferedReader(new StringReader(typed)));
    }

    /** Checks that it went well and said nothing to standard error, and returns what it printed. */
    String done() {
        assertEquals("", err);
        assertEquals(DONE, exitCode, toString());
        return out;
    }

    /** Checks that it failed, with one line on standard error and nothing else, and returns that line. */
    String failed() {
        assertEquals(FAILED, exitCode, toString());
        assertEquals("", out);
        return line();
    }

    /** Checks that it was called wrongly and said so on standard error alone, and returns the first line of that. */
    String refused() {
        assertEquals(WRONG_CALL, exitCode, toString());
        assertEquals("", out);
        String first = err.lines().findFirst().orElse("");
        assertTrue(first.startsWith("fdb-nbd: "), err);
        return first.substring("fdb-nbd: ".length());
    }

    private String line() {
        assertEquals(1, err.lines().count(), err);
        assertTrue(err.startsWith("fdb-nbd: "), err);
        return err.strip().substring("fdb-nbd: ".length());
    }
}
