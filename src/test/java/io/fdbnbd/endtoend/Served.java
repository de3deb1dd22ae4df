package io.fdbnbd.endtoend;

import java.nio.file.Path;
import java.util.List;

/** What the suites of a client need: a server with a few volumes, and a directory for files. */
interface Served {
    /** Each suite has a volume of its own; what a test finds in it is whatever the one before left. */
    String INFO = "info";

    String COPY = "copy";
    String QEMU = "qemu";
    String FIO = "fio";
    long DISK_BYTES = 32L << 20;

    /** No multiple of anything. */
    String ODD = "odd";

    long ODD_BYTES = 10_000_019;

    String HUGE = "huge";
    long HUGE_BYTES = 1L << 40;

    /** Nearly empty, and made so by each test that uses it. */
    String SPARSE = "sparse";

    ServeProcess server();

    Path directory();

    /** The same volume by each kind of socket. */
    default List<String> uris(String volume) {
        return List.of(server().uri(volume), server().unixUri(volume));
    }
}
