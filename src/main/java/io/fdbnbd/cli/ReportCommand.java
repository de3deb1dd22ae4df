package io.fdbnbd.cli;

import io.fdbnbd.metrics.report.Report;
import io.fdbnbd.util.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code fdb-nbd report}. */
@Command(
        name = "report",
        description =
                "Shows latency logs, of `serve --latency-log` or of other programs that write HdrHistogram's interval"
                        + " logs. Several files are shown side by side, as runs to compare.",
        footerHeading = "%nExamples:%n",
        footer = {
            "  fdb-nbd report disk.hlog -o report.html",
            "      a page with charts and tables, in one file that needs no network",
            "  fdb-nbd report before.hlog after.hlog -o report.html",
            "  fdb-nbd report disk.hlog --text",
            "      HdrHistogram's table of percentiles",
            "",
            "--json prints an array with an object for each file: file, start, duration_ms and measures, an array of",
            "  volume, measure, count and, unless it is only counted, unit, min, mean, max and percentiles."
        })
final class ReportCommand implements Callable<Integer> {

    @Spec
    private CommandSpec spec;

    @Parameters(paramLabel = "FILE", arity = "1..*", description = "Latency logs.")
    private List<Path> files = List.of();

    @Option(
            names = {"-o", "--output"},
            paramLabel = "FILE",
            description = "Write to this file, instead of standard output.")
    private @Nullable Path output;

    /** At most one of them. */
    static final class Form {
        @Option(names = "--text", description = "Percentiles as text, instead of a page.")
        private boolean text;

        @Option(names = "--json", description = "For programs: see below.")
        private boolean json;
    }

    @ArgGroup
    private @Nullable Form form;

    @Override
    public Integer call() throws IOException {
        String content;
        try {
            content = content(Report.read(files));
        } catch (NoSuchFileException e) {
            throw new IOException("there is no file " + e.getFile(), e);
        }
        if (output == null) {
            spec.commandLine().getOut().print(content);
            spec.commandLine().getOut().flush();
        } else {
            Files.writeString(output, content);
        }
        return Main.EXIT_DONE;
    }

    private String content(Report report) {
        if (form != null && form.text) {
            return report.text();
        }
        if (form != null && form.json) {
            return Json.write(report.json()) + "\n";
        }
        return report.html();
    }
}
