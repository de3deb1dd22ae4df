package io.fdbnbd.cli;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** What holds for every unix socket. */
final class UnixSockets {
    /** What Linux has room for, less the zero byte at the end; other systems have a little less. */
    static final int PATH_BYTES_MAX = 107;

    private UnixSockets() {}

    static boolean fits(Path path) {
        return path.toString().getBytes(StandardCharsets.UTF_8).length <= PATH_BYTES_MAX;
    }
}
