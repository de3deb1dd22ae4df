package io.fdbnbd.endtoend;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * What a process takes of the machine, from {@code /proc}.
 *
 * @param residentBytes memory that it has and shares with no file
 * @param threads platform threads; virtual ones are not visible from outside
 * @param sockets open sockets, those that listen included
 */
record Footprint(long residentBytes, int threads, int sockets) {

    static Footprint of(long pid) throws IOException {
        Path proc = Path.of("/proc", Long.toString(pid));
        List<String> status = Files.readAllLines(proc.resolve("status"));
        int sockets = 0;
        try (Stream<Path> descriptors = Files.list(proc.resolve("fd"))) {
            for (Path descriptor : (Iterable<Path>) descriptors::iterator) {
                sockets += isSocket(descriptor) ? 1 : 0;
            }
        }
        return new Footprint(number(status, "RssAnon:") << 10, (int) number(status, "Threads:"), sockets);
    }

    private static boolean isSocket(Path descriptor) throws IOException {
        try {
            return Files.readSymbolicLink(descriptor).toString().startsWith("socket:");
        } catch (NoSuchFileException e) {
            return false; // closed in the meantime
        }
    }

    private static long number(List<String> status, String key) {
        return status.stream()
                .filter(line -> line.startsWith(key))
                .map(line -> line.replaceAll("[^0-9]", ""))
                .mapToLong(Long::parseLong)
                .findFirst()
                .orElseThrow(() -> new AssertionError("no " + key + " in " + status));
    }
}
