import io.fdbnbd.cli.Main;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.asciidoctor.Asciidoctor;
import org.asciidoctor.Attributes;
import org.asciidoctor.Options;
import org.asciidoctor.SafeMode;
import picocli.AutoComplete;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.codegen.docgen.manpage.ManPageGenerator;

/**
 * Makes the manual pages, one a command, and the completion for bash from the commands themselves. tools/package runs it
 * from its source: {@code Manual.java DIRECTORY VERSION} leaves DIRECTORY/man1 and DIRECTORY/completion.
 */
class Manual {
    /** What a value can be, in the completion: the constants of an enum, which our options take in lower case too. */
    private static final Pattern VALUES = Pattern.compile("(?<=_option_args=\\().*?(?=\\))");

    private static final Pattern HEADING = Pattern.compile("^==  (.*?):?$", Pattern.MULTILINE);

    /** Words of ours in the AsciiDoc, as opposed to markup and to examples, which are taken as they are. */
    private static final Pattern TEXT = Pattern.compile("(?<=::\n  |\n\\+\n).*|^fdb-nbd\\S* - .*", Pattern.MULTILINE);

    private static final Pattern QUOTED = Pattern.compile("`([^`]+)`");

    private static final String FOOTER = "// tag::picocli-generated-man-section-footer";

    private static final String ENVIRONMENT = """

            == Environment

            *FDB_NBD_STORE*::
              Where the volumes are, if there is no *--store*.

            *FDB_NBD_JAVA_OPTS*::
              Options for the Java virtual machine, apart by blanks, like -Xmx1g.
            """;

    public static void main(String[] arguments) throws IOException {
        Path directory = Path.of(arguments[0]);
        CommandLine command = Main.commandLine();
        Files.createDirectories(directory);
        String completion = AutoComplete.bash(command.getCommandName(), command);
        String sourced = completion.substring(completion.indexOf('\n') + 1); // no script, and so without its first line
        Files.writeString(
                directory.resolve("completion"),
                VALUES.matcher(sourced).replaceAll(values -> values.group().toLowerCase(Locale.ROOT)));
        shorten(command.getCommandSpec());
        Path asciiDoc = Files.createDirectories(directory.resolve("asciidoc"));
        int exitCode = ManPageGenerator.generateManPage(
                asciiDoc.toFile(), null, new boolean[0], false, command.getCommandSpec());
        if (exitCode != 0) {
            System.exit(exitCode);
        }
        pages(command.getCommandName(), asciiDoc, Files.createDirectories(directory.resolve("man1")), arguments[1]);
    }

    /** One line says what a command is, to apropos and in the list of commands: up to the first stop. */
    private static void shorten(CommandSpec command) {
        String first = command.usageMessage().description()[0].formatted();
        String line = first.split("[.;:](\\s|$)", 2)[0].replace("`", "");
        command.usageMessage().header(line.substring(0, 1).toLowerCase(Locale.ROOT) + line.substring(1));
        command.subcommands().values().forEach(sub -> shorten(sub.getCommandSpec()));
    }

    private static void pages(String program, Path asciiDoc, Path pages, String version) throws IOException {
        Attributes attributes = Attributes.builder()
                .attribute("manmanual", "fdb-nbd")
                .attribute("mansource", "fdb-nbd " + version)
                .build();
        Options options = Options.builder()
                .backend("manpage")
                .attributes(attributes)
                .safe(SafeMode.UNSAFE) // which is to write into another directory than it reads from
                .toDir(pages.toFile())
                .build();
        List<Path> sources;
        try (Stream<Path> files = Files.list(asciiDoc)) {
            sources = files.sorted().toList();
        }
        List<String> names = sources.stream()
                .map(source -> source.getFileName().toString().replace(".adoc", ""))
                .toList();
        try (Asciidoctor asciidoctor = Asciidoctor.Factory.create()) {
            for (int i = 0; i < sources.size(); i++) {
                String page = mended(Files.readString(sources.get(i))) + (names.get(i).equals(program) ? ENVIRONMENT : "");
                Files.writeString(sources.get(i), page + seeAlso(names, names.get(i)));
                asciidoctor.convertFile(sources.get(i).toFile(), options, File.class);
            }
        }
    }

    private static String mended(String page) {
        int footer = page.indexOf(FOOTER);
        String body = TEXT.matcher(page.substring(0, footer))
                .replaceAll(text -> QUOTED.matcher(text.group().replace("*", "{asterisk}"))
                        .replaceAll("*$1*")
                        .replace("$", "\\$"));
        return HEADING.matcher(body + page.substring(footer)).replaceAll("== $1");
    }

    private static String seeAlso(List<String> names, String self) {
        String others = names.stream()
                .filter(name -> !name.equals(self))
                .map(name -> "*" + name + "*(1), ")
                .collect(Collectors.joining());
        return "\n== See also\n\n" + others + "*nbd-client*(8), *nbdinfo*(1), *qemu-img*(1)\n";
    }
}
