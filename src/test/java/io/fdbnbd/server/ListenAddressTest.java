package io.fdbnbd.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.UnknownHostException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ListenAddressTest {

    @ParameterizedTest
    @CsvSource({
        "127.0.0.1:10809, 127.0.0.1, 10809",
        "localhost:0, localhost, 0",
        "[::1]:65535, ::1, 65535",
        "[::], ::, 10809",
        "example, example, 10809"
    })
    void hostsAndPortsAreRead(String text, String host, int port) {
        assertEquals(new ListenAddress.Tcp(host, port), ListenAddress.parse(text));
    }

    @Test
    void socketsOfTheFileSystemAreRead() {
        assertEquals(new ListenAddress.Unix(Path.of("/run/nbd.sock")), ListenAddress.parse("unix:/run/nbd.sock"));
        assertEquals(new ListenAddress.Unix(Path.of("nbd.sock")), ListenAddress.parse("unix:nbd.sock"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"127.0.0.1:10809", "[::1]:1", "unix:/a/b", "host:65535"})
    void whatIsWrittenIsWhatIsRead(String text) {
        assertEquals(text, ListenAddress.parse(text).toString());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                " ",
                ":10809",
                "host:",
                "host:port",
                "host:-1",
                "host:65536",
                "host:123456",
                "::1",
                "[::1",
                "[]:1",
                "[::1]10809",
                "unix:",
                "unix:/",
                "unix:\0",
                "1.2.3.4:10809:1"
            })
    void whatIsNoAddressIsRefusedWithAnExample(String text) {
        IllegalArgumentException refusal =
                assertThrows(IllegalArgumentException.class, () -> ListenAddress.parse(text));
        assertTrue(refusal.toString().contains("127.0.0.1:10809"), refusal.toString());
    }

    @Test
    void aHostThatDoesNotExistIsNamed() {
        UnknownHostException unknown = assertThrows(
                UnknownHostException.class,
                () -> ListenAddress.parse("no-such-host.invalid:1").resolve());
        assertTrue(unknown.toString().contains("no-such-host.invalid"));
    }
}
