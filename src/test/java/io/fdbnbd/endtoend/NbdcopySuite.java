package io.fdbnbd.endtoend;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Files copied into a volume and back, over one connection and over several. */
interface NbdcopySuite extends Served {

    @Test
    @Needs("nbdcopy")
    default void nbdcopyTakesARandomFileThereAndBack() throws IOException {
        for (String uri : uris(COPY)) {
            thereAndBack(TestFiles.create(directory(), DISK_BYTES, uri.hashCode(), 1), uri);
        }
    }

    @Test
    @Needs("nbdcopy")
    default void nbdcopyTakesASparseFileThereAndBackOverOldData() throws IOException {
        Programs.run("nbdcopy", TestFiles.create(directory(), DISK_BYTES, 5, 1), server().uri(COPY));
        thereAndBack(TestFiles.create(directory(), DISK_BYTES, 6, 20), server().uri(COPY));
    }

    @Test
    @Needs("nbdcopy")
    default void nbdcopyTakesASizeThereAndBackThatIsNoMultipleOfABlock() throws IOException {
        for (String uri : uris(ODD)) {
            thereAndBack(TestFiles.create(directory(), ODD_BYTES, uri.hashCode(), 1), uri);
        }
    }

    private void thereAndBack(Path file, String uri) throws IOException {
        List<String> many = List.of("--connections=4", "--threads=4", "--requests=16", "--request-size=1048576");
        List<String> small = List.of("--connections=1", "--threads=1", "--requests=64", "--request-size=32768");
        for (List<String> there : List.of(many, small)) {
            nbdcopy(there, file.toString(), uri, "--flush");
            Path back = Files.createTempFile(directory(), "back-", ".raw");
            // What goes in by one way comes out by the other.
            nbdcopy(there.equals(many) ? small : many, uri, back.toString());
            assertEquals(-1, Files.mismatch(file, back), () -> uri + " gives back another file, after " + there);
            Files.delete(back);
        }
        Files.delete(file);
    }

    private static void nbdcopy(List<String> options, String... more) {
        Object[] arguments = new Object[options.size() + more.length];
        System.arraycopy(options.toArray(), 0, arguments, 0, options.size());
        System.arraycopy(more, 0, arguments, options.size(), more.length);
        Programs.run("nbdcopy", arguments);
    }
}
