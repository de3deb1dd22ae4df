package io.fdbnbd.endtoend;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * What a process takes of the machine, from {@code /proc}.
 *
 * @param residentBytes memory that it has and shares with no file
 * @param threads names of its platform threads, cut to 15 letters; virtual ones are not visible from outside
 * @param sockets open sockets, those that listen included
 * @param files other open files
 */
record Footprint(long residentBytes, List<String> threads, int sockets, int files) {

    static Footprint of(long pid) {
        try {
            Path proc = Path.of("/proc", Long.toString(pid));
            int sockets = 0;
            int files = 0;
            for (Path descriptor : list(proc.resolve("fd"))) {
                boolean socket = target(descriptor).startsWith("socket:");
                sockets += socket ? 1 : 0;
                files += socket ? 0 : 1;
            }
            List<String> threads = new ArrayList<>();
            for (Path task : list(proc.resolve("task"))) {
                threads.add(name(task));
            }
            return new Footprint(residentBytes(proc), threads, sockets, files);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static List<Path> list(Path directory) throws IOException {
        try (Stream<Path> entries = Files.list(directory)) {
            return entries.toList();
        }
    }

    private static String target(Path descriptor) throws IOException {
        try {
            return Files.readSymbolicLink(descriptor).toString();
        } catch (NoSuchFileException e) {
            return ""; // closed in the meantime
        }
    }

    private static String name(Path task) throws IOException {
        try {
            return Files.readString(task.resolve("comm")).strip();
        } catch (NoSuchFileException e) {
            return ""; // ended in the meantime
        }
    }

    private static long residentBytes(Path proc) throws IOException {
        List<String> status = Files.readAllLines(proc.resolve("status"));
        return status.stream()
                        .filter(line -> line.startsWith("RssAnon:"))
                        .map(line -> line.replaceAll("[^0-9]", ""))
                        .mapToLong(Long::parseLong)
                        .findFirst()
                        .orElseThrow(() -> new AssertionError("no RssAnon in " + status))
                << 10;
    }
}
