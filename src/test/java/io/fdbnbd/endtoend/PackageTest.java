package io.fdbnbd.endtoend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The Debian package: in a system that has nothing else, by {@code tools/package.d/check}, and in one that has booted, by
 * {@code tools/package.d/machine}.
 */
@Tag("slow")
class PackageTest {
    private static final Path PACKAGES = Path.of("target/package");
    private static final String BUILD =
            Path.of("tools/package").toAbsolutePath().toString();
    private static final String CHECK =
            Path.of("tools/package.d/check").toAbsolutePath().toString();
    private static final String MACHINE =
            Path.of("tools/package.d/machine").toAbsolutePath().toString();

    private static @Nullable Path built;

    /** As in most containers, where root is not all-powerful: without the capability, and with no user but itself. */
    @ParameterizedTest
    @ValueSource(strings = {"setpriv --bounding-set -sys_admin", "unshare --user --map-root-user"})
    @Needs("setpriv")
    void whereRootIsNotAllPowerfulItIsNotTested(String weaken) {
        Assumptions.assumeTrue(Programs.run("id", "-u").equals("0\n"), "only root loses anything");
        List<String> command = new ArrayList<>(List.of(weaken.split(" ")));
        command.addAll(List.of(CHECK, "available"));
        Programs.Run run = Programs.tryRun("env", command.toArray());
        assertEquals(1, run.exitCode(), run.toString());
        assertEquals(1, run.output().lines().count(), run.toString());
    }

    @Test
    void itInstallsAndServesAndGoesAwayWithoutATrace() throws IOException {
        String output = run(CHECK);
        assertTrue(output.endsWith("nothing else is left\n"), output);
        // What is in the archive is what is in the package.
        String listing = Programs.run("tar", "--list", "--file", only("*.tar.gz"));
        assertEquals(
                1, listing.lines().filter(name -> name.endsWith("/bin/fdb-nbd")).count(), listing);
    }

    /** What docs/operations.md has people type, among other things. */
    @Test
    void systemdStartsItAndTheKernelAttachesItsVolumesAtBoot() throws IOException {
        String output = run(MACHINE);
        assertTrue(output.endsWith("=== done\n"), output);
    }

    private static String run(String tool) throws IOException {
        Programs.Run available = Programs.tryRun(tool, "available");
        if (available.exitCode() != 0) {
            String obstacle = available.output().strip();
            System.out.println("the package is not tested by " + Path.of(tool).getFileName() + ": " + obstacle);
            Assumptions.abort(obstacle);
        }
        if (built == null) {
            Programs.run(BUILD);
            built = only("*.deb");
        }
        return Programs.run(tool, "run", built);
    }

    private static Path only(String pattern) throws IOException {
        try (DirectoryStream<Path> files = Files.newDirectoryStream(PACKAGES, pattern)) {
            return files.iterator().next();
        }
    }
}
