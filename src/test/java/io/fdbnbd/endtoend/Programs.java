package io.fdbnbd.endtoend;

import static org.junit.jupiter.api.extension.ConditionEvaluationResult.disabled;
import static org.junit.jupiter.api.extension.ConditionEvaluationResult.enabled;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.platform.commons.support.AnnotationSupport;

/** Other people's programs: where they are, and how they are run. */
final class Programs {

    /** For one run of a program that hangs; a machine that is merely busy is far from it. */
    static final int RUN_SECONDS_MAX = 1200;

    /** Daemons and clients of block devices live there, and what {@code tools/test} has put beside the system's own. */
    private static final List<String> MORE_PLACES =
            List.of("/usr/sbin", "/sbin", cache() + "/fdb-nbd/qemu-10/bin", cache() + "/fdb-nbd/prometheus/bin");

    private Programs() {}

    private static String cache() {
        return System.getenv()
                .getOrDefault("XDG_CACHE_HOME", System.getenv().getOrDefault("HOME", "/root") + "/.cache");
    }

    static Optional<Path> find(String program) {
        List<String> places = new ArrayList<>(
                Arrays.asList(System.getenv().getOrDefault("PATH", "").split(File.pathSeparator, -1)));
        places.addAll(MORE_PLACES);
        return places.stream()
                .map(place -> Path.of(place, program))
                .filter(Files::isExecutable)
                .findFirst();
    }

    /** What a program that ended well has printed; fails with all of it if the program did not. */
    static String run(String program, Object... arguments) {
        Run run = tryRun(program, arguments);
        if (run.exitCode() != 0) {
            throw new AssertionError(run.toString());
        }
        return run.output();
    }

    /** Runs Python with libnbd as {@code nbd} and a handle {@code h}; fails with what it printed if it does not end well. */
    static void nbdsh(String script) {
        ProcessBuilder builder = new ProcessBuilder("nbdsh", "-c", script);
        // Its Python module is the system's, which other Pythons do not have.
        builder.environment().put("PATH", "/usr/bin:" + System.getenv("PATH"));
        Run run = tryRun(builder);
        if (run.exitCode() != 0) {
            throw new AssertionError(run.toString());
        }
    }

    /** @param output what it printed, standard error included */
    record Run(List<String> command, int exitCode, String output) {
        @Override
        public String toString() {
            return String.join(" ", command) + "\nended with " + exitCode + ":\n" + output;
        }
    }

    static Run tryRun(String program, Object... arguments) {
        List<String> command = new ArrayList<>();
        command.add(find(program).map(Path::toString).orElse(program));
        for (Object argument : arguments) {
            command.add(argument.toString());
        }
        return tryRun(new ProcessBuilder(command));
    }

    static Run tryRun(ProcessBuilder builder) {
        try {
            Path output = Files.createTempFile("output", ".txt");
            try {
                Process process = builder.redirectErrorStream(true)
                        .redirectInput(ProcessBuilder.Redirect.from(new File("/dev/null")))
                        .redirectOutput(output.toFile())
                        .start();
                boolean ended = process.waitFor(RUN_SECONDS_MAX, TimeUnit.SECONDS);
                if (!ended) {
                    process.destroyForcibly().waitFor();
                }
                String text = Files.readString(output);
                return new Run(builder.command(), process.exitValue(), ended ? text : text + "\n(killed: it hung)");
            } finally {
                Files.delete(output);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /** What {@link Needs} does. */
    static final class Condition implements ExecutionCondition {
        private static final Set<String> MISSING = new HashSet<>();

        @Override
        public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
            Optional<Needs> needs = AnnotationSupport.findAnnotation(context.getElement(), Needs.class);
            for (String program : needs.map(Needs::value).orElse(new String[0])) {
                if (find(program).isEmpty()) {
                    if (MISSING.add(program)) {
                        System.out.println("tests with " + program + " are skipped: it is not installed");
                    }
                    return disabled(program + " is not installed");
                }
            }
            return enabled("all programs are installed");
        }
    }
}
