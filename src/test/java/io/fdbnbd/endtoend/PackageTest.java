package io.fdbnbd.endtoend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The Debian package, installed in a system that has nothing else, by {@code tools/package.d/check}. */
@Tag("slow")
class PackageTest {
    private static final Path PACKAGES = Path.of("target/package");
    private static final String BUILD =
            Path.of("tools/package").toAbsolutePath().toString();
    private static final String CHECK =
            Path.of("tools/package.d/check").toAbsolutePath().toString();

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
        Programs.Run available = Programs.tryRun(CHECK, "available");
        if (available.exitCode() != 0) {
            System.out.println(
                    "the package is not tested: " + available.output().strip());
            Assumptions.abort(available.output().strip());
        }
        Programs.run(BUILD);
        try (DirectoryStream<Path> packages = Files.newDirectoryStream(PACKAGES, "*.deb")) {
            Path built = packages.iterator().next();
            String output = Programs.run(CHECK, "run", built);
            assertTrue(output.endsWith("nothing else is left\n"), output);
        }
        // What is in the archive is what is in the package.
        try (DirectoryStream<Path> archives = Files.newDirectoryStream(PACKAGES, "*.tar.gz")) {
            String listing =
                    Programs.run("tar", "--list", "--file", archives.iterator().next());
            assertEquals(
                    1,
                    listing.lines()
                            .filter(name -> name.endsWith("/bin/fdb-nbd"))
                            .count(),
                    listing);
        }
    }
}
