package io.fdbnbd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The house rules of style that are worth a failing build, checked on the sources by {@link TidyRules}. */
class TidyTest {
    private static final Path MAIN = Path.of("src/main/java");
    private static final Path TEST = Path.of("src/test/java");

    @Test
    void everySourceIsTidy() throws IOException {
        List<String> complaints = new ArrayList<>();
        for (Path root : List.of(MAIN, TEST)) {
            for (Path file : javaFiles(root)) {
                String source = Files.readString(file);
                for (String complaint : TidyRules.check(root.relativize(file), source, root.equals(MAIN))) {
                    complaints.add(file + complaint);
                }
            }
        }
        assertEquals("", String.join("\n", complaints));
    }

    @Test
    void everyPackageIntroducesItself() throws IOException {
        // A Javadoc comment with at least a word and a full stop, then the annotation.
        Pattern introduction = Pattern.compile("/\\*\\*.*\\w.*\\..*\\*/\\s*@NullMarked\\s+package ", Pattern.DOTALL);
        for (Path folder : packages()) {
            Path info = folder.resolve("package-info.java");
            assertTrue(Files.exists(info), () -> info + " is missing");
            assertTrue(
                    introduction.matcher(Files.readString(info)).find(),
                    () -> info + " needs a sentence of Javadoc and @NullMarked");
        }
    }

    /** Every rule fires on a source that breaks it, and none on the words in a string or a comment. */
    @Test
    void theRulesBite() {
        String bad = """
                class Bad {
                    synchronized void locked() { System.out.println("System.err"); }
                    void pause() throws Exception { synchronized (this) { Thread.sleep(1); } }
                    void pauseToo() throws Exception { java.util.concurrent.TimeUnit.SECONDS.sleep(1); }
                    void unlike() { String s = "synchronized Thread.sleep(1)"; } // synchronized System.out
                    // %s: later
                    void tooLong() {
                %s    }
                }
                """.formatted("TO" + "DO", "        ;\n".repeat(TidyRules.METHOD_LINES_MAX - 1));
        Path name = Path.of("io/fdbnbd/util/Bad.java");
        assertEquals(
                List.of(
                        ":2: synchronized pins virtual threads on JDK 21: use a ReentrantLock",
                        ":2: standard output belongs to cli: log with tinylog",
                        ":3: synchronized pins virtual threads on JDK 21: use a ReentrantLock",
                        ":3: no sleeping: wait for the event, or turn a Ticker",
                        ":4: no sleeping: wait for the event, or turn a Ticker",
                        ":6: an open end: finish it, or write an issue",
                        ":7: tooLong has 71 lines, 70 are allowed"),
                TidyRules.check(name, bad, true));
        assertEquals(
                List.of(":1: the file has 501 lines, 500 are allowed"),
                TidyRules.check(name, "\n".repeat(TidyRules.FILE_LINES_MAX + 1), true));
        assertEquals(
                List.of(),
                TidyRules.check(Path.of("io/fdbnbd/cli/Fine.java"), "class Fine {{ System.out.print(1); }}", true));
    }

    private static List<Path> javaFiles(Path root) throws IOException {
        try (Stream<Path> files = Files.walk(root)) {
            return files.filter(file -> file.toString().endsWith(".java"))
                    .sorted()
                    .toList();
        }
    }

    private static List<Path> packages() throws IOException {
        return javaFiles(MAIN).stream().map(Path::getParent).distinct().toList();
    }
}
