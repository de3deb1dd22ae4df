package io.fdbnbd.util;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** What holds for every unix socket. */
public final class UnixSockets {
    /** What the JDK takes: one less than Linux has room for. Other systems have a little less. */
    public static final int PATH_BYTES_MAX = 106;

    private UnixSockets() {}

    public static boolean fits(Path path) {
        return bytes(path) <= PATH_BYTES_MAX;
    }

    public static int bytes(Path path) {
        return path.toString().getBytes(StandardCharsets.UTF_8).length;
    }
}
