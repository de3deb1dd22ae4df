package io.fdbnbd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** docs/protocol.md claims that tests prove things: at least they are there. */
class ProtocolDocTest {
    private static final Path DOC = Path.of("docs/protocol.md");
    private static final Path TESTS = Path.of("src/test/java");
    private static final Pattern NAMED_TEST = Pattern.compile("`(\\w+)#(\\w+)`");
    private static final Pattern ROW = Pattern.compile("^\\| (\\d+) \\|", Pattern.MULTILINE);
    private static final Pattern DONE_WITHOUT_TEST =
            Pattern.compile("^\\| (\\d+) \\|.*\\| done[^|]*\\|\\s*\\|$", Pattern.MULTILINE);

    @Test
    void everyTestNamedThereExists() throws IOException {
        List<String> missing = missing(Files.readString(DOC));
        assertTrue(missing.isEmpty(), () -> "docs/protocol.md names tests that do not exist: " + missing);
    }

    @Test
    void everyItemHasARowAndWhatIsDoneHasATest() throws IOException {
        String doc = Files.readString(DOC);
        List<Integer> numbers = ROW.matcher(doc)
                .results()
                .map(row -> Integer.valueOf(row.group(1)))
                .toList();
        assertEquals(IntStream.rangeClosed(1, numbers.size()).boxed().toList(), numbers);
        assertEquals(
                List.of(),
                DONE_WITHOUT_TEST
                        .matcher(doc)
                        .results()
                        .map(row -> row.group(1))
                        .toList());
    }

    @Test
    void aTestThatDoesNotExistIsSeen() throws IOException {
        assertEquals(
                List.of("ProtocolDocTest#nothing", "NoSuchTest#a"),
                missing("`ProtocolDocTest#nothing` `NoSuchTest#a` `ProtocolDocTest#aTestThatDoesNotExistIsSeen`"));
    }

    private static List<String> missing(String doc) throws IOException {
        List<String> missing = new ArrayList<>();
        Matcher named = NAMED_TEST.matcher(doc);
        while (named.find()) {
            if (!exists(named.group(1), named.group(2))) {
                missing.add(named.group(1) + "#" + named.group(2));
            }
        }
        return missing;
    }

    private static boolean exists(String testClass, String method) throws IOException {
        try (Stream<Path> files = Files.walk(TESTS)) {
            Path file = files.filter(path -> path.endsWith(testClass + ".java"))
                    .findFirst()
                    .orElse(null);
            return file != null && Files.readString(file).contains("void " + method + "(");
        }
    }
}
