package io.fdbnbd.cli;

import java.io.BufferedReader;
import java.io.Console;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What the program takes from its process besides arguments; a test hands in its own.
 *
 * @param terminal whether a person types the input and sees the output
 * @param input read only if {@code terminal}
 */
record Surroundings(Map<String, String> environment, Path home, boolean terminal, BufferedReader input) {

    static Surroundings ofProcess() {
        return new Surroundings(
                System.getenv(),
                home(System.getenv("HOME")),
                isTerminal(),
                new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8)));
    }

    // What the JVM finds by itself is a question mark for a user without an entry in the system's list of users.
    private static Path home(@Nullable String named) {
        return Path.of(named == null ? System.getProperty("user.home", "") : named);
    }

    String variable(String name) {
        return environment.getOrDefault(name, "");
    }

    @SuppressWarnings("SystemConsoleNull") // JDK 21 does return null
    private static boolean isTerminal() {
        Console console = System.console();
        if (console == null) {
            return false;
        }
        try {
            return (boolean) Console.class.getMethod("isTerminal").invoke(console);
        } catch (ReflectiveOperationException e) {
            // JDK 21, where there is a console only on a terminal.
            return true;
        }
    }
}
