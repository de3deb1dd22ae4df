package io.fdbnbd.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fdbnbd.server.Access;
import io.fdbnbd.server.AddressRange;
import io.fdbnbd.tls.TestAuthority;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** Options of the door that do not fit together. If a server did start, the test would not end. */
@Timeout(60)
class AccessOptionsTest {
    @TempDir
    private Path temp;

    private static CommandRun serve(String... arguments) {
        return CommandRun.of(Stream.concat(Stream.of("serve", "--store", "memory:"), Stream.of(arguments))
                .toArray(String[]::new));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "--tls=required                                             | give --tls-cert and --tls-key",
                "--tls-cert=c                                               | give --tls-cert and --tls-key",
                "--tls-key=k                                                | give --tls-cert and --tls-key",
                "--tls-allow=n                                              | give --tls-cert and --tls-key",
                "--tls=off --tls-cert=c --tls-key=k                         | give --tls required, or leave them out",
                "--tls=optional --tls-cert=c --tls-key=k --tls-ca=a         | give --tls required",
                "--tls-cert=c --tls-key=k --tls-allow=n                     | give --tls-ca",
                "--tls=sometimes                                            | off, optional, required",
                "--tls-allow==n                                             | write NAME or VOLUME=NAME",
                "--allow=example.org                                        | no range of addresses",
                "--connections-per-address=0                                | must be at least 1",
                "--connections-per-address=many                             | is not a whole number",
            })
    void whatDoesNotFitTogetherIsRefused(String options, String message) {
        String refusal = serve(options.split(" ", -1)).refused();
        assertTrue(refusal.contains(message), refusal);
    }

    @Command
    private static final class Door {
        @Mixin
        private AccessOptions options;

        static Access opened(String... arguments) throws IOException {
            Door door = new Door();
            new CommandLine(door).parseArgs(arguments);
            return door.options.access();
        }
    }

    @Test
    void everyOptionGetsToTheServer() throws Exception {
        assertEquals(Access.OPEN, Door.opened());
        AddressRange ten = AddressRange.parse("10.0.0.0/8");
        AddressRange one = AddressRange.parse("::1");
        assertEquals(
                Access.OPEN
                        .withSources(new Access.Sources(List.of(ten, one), 3))
                        .withReadOnly(new Access.ReadOnly(false, Set.of("a", "b"))),
                Door.opened(
                        "--allow=10.0.0.0/8",
                        "--allow=::1",
                        "--connections-per-address=3",
                        "--read-only=a",
                        "--read-only",
                        "b"));
        assertEquals(Access.ReadOnly.ALL, Door.opened("--read-only").readOnly());
        TestAuthority authority = TestAuthority.create(temp, "authority");
        TestAuthority.Issued own = authority.server("server");
        String[] identity = {"--tls-cert=" + own.certificate(), "--tls-key=" + own.key()};
        Access secret = Door.opened(identity);
        assertTrue(secret.isTlsRequired());
        assertFalse(secret.asksForCertificates());
        Access.Tls optional =
                Door.opened("--tls=optional", identity[0], identity[1]).tls();
        assertFalse(Objects.requireNonNull(optional).required());
        Access closed = Door.opened(
                identity[0], identity[1], "--tls-ca=" + authority.certificate(), "--tls-allow=x", "--tls-allow=disk=y");
        assertTrue(closed.asksForCertificates());
        assertEquals(List.of(Access.Grant.parse("x"), Access.Grant.parse("disk=y")), closed.grants());
    }

    @Test
    void aFileThatIsMissingIsNamed() {
        String missing = temp.resolve("missing.pem").toString();
        String failure = serve("--tls-cert", missing, "--tls-key", missing).failed();
        assertTrue(failure.contains("the certificate file " + missing + " does not exist"), failure);
    }
}
