package io.fdbnbd.cli;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fdbnbd.util.JavaCommand;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** The program in a terminal of its own, which tmux draws. */
final class Screen implements AutoCloseable {
    private final Path socket;

    /** Says at the end how it ended, and whether the terminal echoes again. */
    Screen(Path socket, int columns, int rows, String... arguments) {
        this.socket = socket;
        List<String> command = JavaCommand.of(Main.class, "-XX:TieredStopAtLevel=1");
        command.addAll(Arrays.asList(arguments));
        String line = command.stream().map(Attaching::quoted).collect(Collectors.joining(" "))
                + "; echo \"ended with $?, $(stty -a | grep -ow -e '-\\?echo')\"; read forever";
        tmux("new-session", "-d", "-x", String.valueOf(columns), "-y", String.valueOf(rows), line);
    }

    void resize(int columns, int rows) {
        tmux("resize-window", "-x", String.valueOf(columns), "-y", String.valueOf(rows));
    }

    void press(String key) {
        tmux("send-keys", key);
    }

    String text() {
        return tmux("capture-pane", "-p");
    }

    /** Waits, as long as the test may take, until it shows that. */
    void await(String pattern) {
        Pattern wanted = Pattern.compile(pattern);
        while (!wanted.matcher(text()).find()) {
            Thread.onSpinWait();
        }
    }

    private String tmux(String... words) {
        List<String> command = new ArrayList<>(List.of("tmux", "-S", socket.toString()));
        command.addAll(Arrays.asList(words));
        try {
            Process process =
                    new ProcessBuilder(command).redirectErrorStream(true).start();
            String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertTrue(process.waitFor() == 0, said);
            return said;
        } catch (IOException | InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @Override
    public void close() {
        tmux("kill-server");
    }
}
