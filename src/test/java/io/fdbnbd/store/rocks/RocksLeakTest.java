package io.fdbnbd.store.rocks;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.fdbnbd.store.Batch;
import io.fdbnbd.store.Bytes;
import io.fdbnbd.store.KeyRange;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Native memory is freed by us or by nobody. Looked at from a process whose heap does not grow. */
@Tag("slow")
class RocksLeakTest {
    private static final RocksOptions SMALL = new RocksOptions(8 << 20, 1 << 20, 2);
    private static final Path STATUS = Path.of("/proc/self/status");
    private static final int COMMITS = 50;
    private static final int READS_PER_COMMIT = 10;
    private static final int OPENINGS_BEFORE = 20;
    private static final int OPENINGS = 80;

    /** Honest work adds 0.1 to 4 MB here; the smallest thing that a read could forget to close, 16. */
    private static final long GROWTH_BYTES_MAX = 8 << 20;

    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path directory;

    @Test
    void manyOpeningsAndReadsLeakNoNativeMemory() throws Exception {
        assumeTrue(Files.exists(STATUS), "needs /proc");
        Process process = Holder.start(RocksLeakTest.class, directory.toString());
        String said = new String(process.getInputStream().readAllBytes(), UTF_8).strip();
        assertTrue(said.matches("-?\\d+"), said);
        assertTrue(Long.parseLong(said) < GROWTH_BYTES_MAX, "grew by " + said + " bytes");
    }

    /** In the other process: says by how many bytes it grew. */
    public static void main(String[] arguments) throws Exception {
        Path directory = Path.of(arguments[0]);
        useStore(directory, OPENINGS_BEFORE);
        long before = residentBytes();
        useStore(directory, OPENINGS);
        System.out.println(residentBytes() - before);
    }

    private static void useStore(Path directory, int openings) throws Exception {
        for (int opening = 0; opening < openings; opening++) {
            try (RocksStore store = RocksStore.open(directory, SMALL)) {
                for (int i = 0; i < COMMITS; i++) {
                    store.commit(new Batch().set(Bytes.ofLong(i), Bytes.ofLength(10_000)));
                    List<KeyRange> ranges = List.of(
                            new KeyRange(Bytes.ofLong(0), Bytes.ofLong(i), 10), KeyRange.ofKey(Bytes.ofLong(i)));
                    for (int read = 0; read < READS_PER_COMMIT; read++) {
                        store.read(null, ranges, (key, value) -> {});
                        store.tryRead(null, ranges, (key, value) -> {});
                    }
                }
                store.sync();
            }
        }
    }

    private static long residentBytes() throws IOException {
        try (Stream<String> lines = Files.lines(STATUS)) {
            return lines.filter(line -> line.startsWith("RssAnon:"))
                    .map(line -> Long.parseLong(line.replaceAll("\\D", "")) << 10)
                    .findFirst()
                    .orElseThrow();
        }
    }
}
