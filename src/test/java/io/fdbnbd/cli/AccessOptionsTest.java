package io.fdbnbd.cli;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

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
                "--tls-key=k                                                | need --tls required or optional",
                "--tls=off --tls-cert=c --tls-key=k                         | need --tls required or optional",
                "--tls=optional --tls-cert=c --tls-key=k --tls-ca=a         | give --tls required",
                "--tls-cert=c --tls-key=k --tls-allow=n                     | give --tls-ca",
                "--tls=sometimes                                            | off, optional, required",
                "--tls-allow==n                                             | write NAME or VOLUME=NAME",
                "--allow=example.org                                        | no range of addresses",
                "--connections-per-address=0                                | must be at least 1",
            })
    void whatDoesNotFitTogetherIsRefused(String options, String message) {
        String refusal = serve(options.split(" ", -1)).refused();
        assertTrue(refusal.contains(message), refusal);
    }

    @Test
    void aFileThatIsMissingIsNamed() {
        String missing = temp.resolve("missing.pem").toString();
        String failure = serve("--tls-cert", missing, "--tls-key", missing).failed();
        assertTrue(failure.contains("the certificate file " + missing + " does not exist"), failure);
    }
}
