package io.fdbnbd.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;
import picocli.CommandLine.Command;

class MainTest {
    @ParameterizedTest
    @ValueSource(strings = {"", "serve", "volume", "volume create", "volume list", "volume info", "volume delete"})
    void everyCommandHasHelpWithExamples(String command) {
        String[] arguments = (command + " --help").strip().split(" ", -1);
        String help = CommandRun.of(arguments).done();
        assertTrue(help.startsWith(("Usage: fdb-nbd " + command).strip()), help);
        assertTrue(help.contains("Examples:"), help);
        assertTrue(help.contains("--store"), help);
    }

    @ParameterizedTest
    @ValueSource(strings = {"bench", "report"})
    void whatHasNothingToDoWithAStoreDoesNotAskForOne(String command) {
        String help = CommandRun.of(command, "--help").done();
        assertTrue(help.startsWith("Usage: fdb-nbd " + command), help);
        assertTrue(help.contains("--log-level"), help);
        assertFalse(help.contains("--store"), help);
        assertEquals(
                "Unknown option: '--store=memory:'",
                CommandRun.of(command, "nbd://localhost/x", "--store=memory:").refused());
    }

    @Test
    void theVersionIsPrinted() {
        assertTrue(CommandRun.of("--version").done().contains("fdb-nbd ("));
    }

    @Test
    void withoutACommandTheUsageIsShown() {
        CommandRun run = CommandRun.of();
        assertEquals("a command is missing: one of serve, report, bench, top, volume", run.refused());
        assertTrue(run.err().contains("Usage: fdb-nbd"), run.err());
        assertEquals(
                "a command is missing: one of create, list, info, recover, verify, delete",
                CommandRun.of("volume").refused());
    }

    @Test
    void aWrongCallNamesTheHelpThatIsOfUse() {
        CommandRun unknown = CommandRun.of("volume", "list", "--no-such-option");
        assertEquals("Unknown option: '--no-such-option'", unknown.refused());
        assertTrue(unknown.err().endsWith("See fdb-nbd volume list --help" + System.lineSeparator()), unknown.err());
        assertEquals(
                "\"nope\" is no command: there are serve, report, bench, top, volume",
                CommandRun.of("nope").refused());
        assertEquals(
                "\"nope\" is no command: there are create, list, info, recover, verify, delete",
                CommandRun.of("volume", "nope").refused());
        assertEquals(
                "\"c\" is one argument too many",
                CommandRun.of("volume", "info", "b", "c").refused());
        assertEquals(
                "Missing required parameters: 'NAME', 'SIZE'",
                CommandRun.of("volume", "create").refused());
    }

    @Test
    void aStoreThatIsNoneIsRefusedWhereverItWasNamed() {
        assertTrue(CommandRun.of("--store", "foo:", "volume", "list").refused().startsWith("in --store: \"foo:\""));
        assertTrue(CommandRun.of("volume", "--store=foo:", "list").refused().startsWith("in --store: \"foo:\""));
        assertTrue(CommandRun.of("volume", "list", "--store=").refused().startsWith("in --store: \"\""));
        assertTrue(CommandRun.of("serve", "--store", "foo:").refused().startsWith("in --store: \"foo:\""));
        assertTrue(CommandRun.of(CommandRun.noTerminal(Map.of("FDB_NBD_STORE", "foo:")), "volume", "list")
                .refused()
                .startsWith("in FDB_NBD_STORE: \"foo:\""));
    }

    @Test
    void anArgumentThatTheLocaleCouldNotReadIsRefused() {
        String refusal = CommandRun.of("volume", "info", "\ufffd\ufffd").refused();
        assertTrue(refusal.contains("LC_ALL"), refusal);
    }

    @Test
    void aFailureIsOneAndOneSentence() {
        StringWriter err = new StringWriter();
        CommandLine command = Main.configured(new CommandLine(new Failing())).setErr(new PrintWriter(err, true));
        assertEquals(CommandRun.FAILED, command.execute());
        assertEquals("fdb-nbd: the volume\\u000ais busy" + System.lineSeparator(), err.toString());
    }

    @Command(name = "failing")
    private static final class Failing implements Runnable {
        @Override
        public void run() {
            throw new IllegalStateException("the volume\nis busy");
        }
    }
}
