package io.fdbnbd.server;

import static io.fdbnbd.server.NbdTestClient.bytes;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fdbnbd.volume.AckMode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class ListenerTest {
    @TempDir
    Path folder;

    @Test
    void oneServerListensAtSeveralAddresses() throws Exception {
        try (ServerFixture fixture = listeningAt("127.0.0.1:0", "unix:" + socket())) {
            List<ListenAddress> addresses = fixture.server.addresses();
            try (NbdTestClient tcp = NbdTestClient.attach(addresses.getFirst(), ServerFixture.DISK);
                    NbdTestClient unix = NbdTestClient.attach(addresses.getLast(), ServerFixture.DISK)) {
                assertEquals(0, tcp.write(5, bytes(10_000, 1)));
                assertArrayEquals(bytes(10_000, 1), unix.read(5, 10_000));
            }
        }
    }

    @Test
    void aPortInUseIsNamedAndNoOtherAddressIsListenedAt() throws Exception {
        try (ServerFixture first = new ServerFixture()) {
            String taken = first.address().toString();
            IOException refusal = assertThrows(IOException.class, () -> listeningAt("unix:" + socket(), taken));
            assertTrue(refusal.toString().contains(taken), refusal.toString());
            assertFalse(Files.exists(socket()));
        }
    }

    private Path socket() {
        return folder.resolve("s");
    }

    private static ServerFixture listeningAt(String... addresses) throws Exception {
        List<ListenAddress> all =
                List.of(addresses).stream().map(ListenAddress::parse).toList();
        return new ServerFixture(AckMode.BUFFERED, options -> ServerOptions.of(all));
    }
}
