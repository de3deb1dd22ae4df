package io.fdbnbd.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.UnixDomainSocketAddress;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** URIs as the specification has them, and how others write them. */
class NbdUriTest {
    @ParameterizedTest
    @CsvSource({
        "nbd://example/disk,       example,   10809, disk",
        "nbd://example:1/disk,     example,   1,     disk",
        "nbd://127.0.0.1,          127.0.0.1, 10809, ''",
        "nbd://127.0.0.1/,         127.0.0.1, 10809, ''",
        "nbd://[::1]:7/disk,       ::1,       7,     disk",
        "nbd://example//disk,      example,   10809, /disk",
        "nbd://example/a/b,        example,   10809, a/b",
        "nbd://example/a%20%3Fb%25, example,  10809, a ?b%",
        "nbd://example/disk?x=y,   example,   10809, disk",
    })
    void aServerIsReachedByItsHostAndPort(String text, String host, int port, String export) {
        NbdUri uri = NbdUri.parse(text);
        assertEquals(host, uri.host());
        assertEquals(port, uri.port());
        assertEquals(export, uri.export());
    }

    @ParameterizedTest
    @CsvSource({
        "nbd+unix:///disk?socket=/run/s,            /run/s,   disk",
        "nbd+unix:///?socket=/run/s,                /run/s,   ''",
        "nbd+unix://?socket=/run/s,                 /run/s,   ''",
        "nbd+unix:///disk?x=y&socket=/run/s&z,      /run/s,   disk",
        "nbd+unix:///disk?socket=/run/a%26b%25%20c, /run/a&b% c, disk",
        "nbd+unix:///disk?socket=/run/a%26socket=b, /run/a&socket=b, disk",
    })
    void aServerIsReachedByItsSocket(String text, String socket, String export) throws Exception {
        NbdUri uri = NbdUri.parse(text);
        assertEquals(UnixDomainSocketAddress.of(socket), uri.resolve());
        assertEquals(export, uri.export());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "disk",
                "http://example/disk",
                "nbd:///disk",
                "nbd://example:0/disk",
                "nbd://example:65536/disk",
                "nbd://user@example/disk",
                "nbd://exa mple/disk",
                "nbd+unix:///disk",
                "nbd+unix:///disk?socket=",
                "nbds://example/disk",
                "nbds+unix:///disk?socket=/run/s",
            })
    void whatIsNoneIsRefusedWithTheWayToWriteOne(String text) {
        String refusal = assertThrows(IllegalArgumentException.class, () -> NbdUri.parse(text))
                .toString();
        assertTrue(refusal.contains("write nbd://HOST[:PORT]/EXPORT or nbd+unix:///EXPORT?socket=PATH"), refusal);
    }
}
