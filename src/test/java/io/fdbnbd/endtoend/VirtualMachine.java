package io.fdbnbd.endtoend;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * A Linux kernel with its own NBD client, by {@code tools/vm}. As an extension it skips a test class where that cannot
 * be had, and says why.
 */
final class VirtualMachine implements ExecutionCondition {
    private static final String SCRIPT = Path.of("tools/vm").toAbsolutePath().toString();

    /** For a guest that hangs; on an idle machine none takes a tenth of it. */
    private static final int GUEST_SECONDS_MAX = 900;

    private static final int END_SECONDS_MAX = 60;

    @Override
    public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
        Programs.Run available = Programs.tryRun(SCRIPT, "available");
        if (available.exitCode() == 0) {
            return ConditionEvaluationResult.enabled("there is a virtual machine, or it can be installed");
        }
        System.out.println(
                "tests with a kernel are skipped: " + available.output().strip());
        return ConditionEvaluationResult.disabled(available.output().strip());
    }

    /** Does nothing where {@code tools/test} has done it before. */
    static void install() {
        Programs.run(SCRIPT, "install");
    }

    /** What a script has printed in the guest; fails with it if the script did. */
    static String run(ServeProcess server, String script, String... arguments) {
        Programs.Run run = Programs.tryRun(new ProcessBuilder(command(server, script, arguments)));
        if (run.exitCode() != 0) {
            throw new AssertionError(run + "\nthe server said:\n" + server.log());
        }
        return run.output();
    }

    /** A loop over its blocks would not end here. Closes the server. */
    static void formatATebibyte(ServeProcess closed) throws Exception {
        try (ServeProcess server = closed) {
            server.volume("huge", "1T").start();
            String output = run(server, "format", "huge");
            output.lines().filter(line -> line.endsWith(" s")).forEach(System.out::println);
            server.volumeCommand("delete", "huge", "--yes");
            server.stop();
            if (!output.contains("ext4 is clean")) {
                throw new AssertionError(output);
            }
        }
    }

    /** A script that goes on until it is ended. */
    static Running start(ServeProcess server, Path output, String script, String... arguments) throws IOException {
        Process process = new ProcessBuilder(command(server, script, arguments))
                .redirectErrorStream(true)
                .redirectInput(new File("/dev/null"))
                .redirectOutput(output.toFile())
                .start();
        return new Running(process, output);
    }

    private static List<String> command(ServeProcess server, String script, String... arguments) {
        List<String> command = new ArrayList<>(List.of(SCRIPT, "run", "--timeout", "" + GUEST_SECONDS_MAX));
        command.addAll(List.of("--nbd", "127.0.0.1:" + server.port(), script));
        command.addAll(List.of(arguments));
        return command;
    }

    record Running(Process process, Path output) {
        String said() {
            try {
                return Files.readString(output);
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        }

        /** Ends the machine, if it has not ended yet. */
        void powerOff() throws InterruptedException {
            process.destroy();
            if (!process.waitFor(END_SECONDS_MAX, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        }
    }
}
