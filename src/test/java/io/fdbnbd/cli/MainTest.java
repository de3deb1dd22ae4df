package io.fdbnbd.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;
import picocli.CommandLine.Command;

class MainTest {
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();
    private final CommandLine command = Main.commandLine();

    private int run(String... arguments) {
        command.setOut(new PrintWriter(out, true)).setErr(new PrintWriter(err, true));
        return command.execute(arguments);
    }

    @Test
    void helpAndVersionGoToStandardOutput() {
        assertEquals(0, run("--help"));
        assertTrue(out.toString().startsWith("Usage: fdb-nbd"), out.toString());
        assertEquals(0, run("--version"));
        assertTrue(out.toString().contains("fdb-nbd ("), out.toString());
        assertEquals("", err.toString());
    }

    @Test
    void aWrongCallIsTwo() {
        assertEquals(2, run());
        assertTrue(err.toString().startsWith("A command is missing."), err.toString());
        assertEquals(2, run("--no-such-option"));
        assertEquals("", out.toString());
    }

    @Test
    void aFailureIsOneAndOneSentence() {
        command.addSubcommand(new Failing());
        assertEquals(1, run("failing"));
        assertEquals("fdb-nbd: the volume is busy" + System.lineSeparator(), err.toString());
    }

    @Command(name = "failing")
    private static final class Failing implements Runnable {
        @Override
        public void run() {
            throw new IllegalStateException("the volume is busy");
        }
    }
}
