package io.fdbnbd.store.rocks;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A file system that can be really full, with a ballast that can be thrown off; where this user may mount one. */
public final class SmallDisk implements AutoCloseable {
    private final Path path;

    private SmallDisk(Path path) {
        this.path = path;
    }

    /** Mounts one on a directory, or skips the test. */
    public static SmallDisk mount(Path path, int roomBytes, int ballastBytes) throws IOException {
        String size = "size=" + (roomBytes + ballastBytes);
        assumeTrue(run("mount", "-t", "tmpfs", "-o", size, "tmpfs", path.toString()), "this user may not mount");
        SmallDisk disk = new SmallDisk(path);
        Files.write(disk.ballast(), new byte[ballastBytes]);
        return disk;
    }

    public void throwOffBallast() throws IOException {
        Files.delete(ballast());
    }

    /** Nothing on it may be open for writing. */
    public void makeReadOnly() {
        assumeTrue(run("mount", "-o", "remount,ro", path.toString()), "this user may not remount");
    }

    private Path ballast() {
        return path.resolve("ballast");
    }

    @Override
    public void close() {
        run("umount", path.toString());
    }

    /** Whether a command could be run and has worked. */
    static boolean run(String... command) {
        try {
            Process process = new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start();
            return process.onExit().join().exitValue() == 0;
        } catch (IOException e) {
            return false;
        }
    }
}
