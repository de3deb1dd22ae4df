package io.fdbnbd.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fdbnbd.volume.AckMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class SocketFileTest {
    @TempDir
    Path folder;

    private Path socket() {
        return folder.resolve("socket");
    }

    private ServerFixture listeningWith(SocketFile file) throws Exception {
        ListenAddress address = new ListenAddress.Unix(socket(), file);
        return new ServerFixture(AckMode.BUFFERED, options -> ServerOptions.of(List.of(address)));
    }

    @ParameterizedTest
    @ValueSource(strings = {"0600", "660", "0666"})
    void theSocketHasItsModeAndServes(String mode) throws Exception {
        try (ServerFixture fixture = listeningWith(SocketFile.PLAIN.withMode(mode))) {
            String expected = mode.equals("0600") ? "rw-------" : mode.equals("660") ? "rw-rw----" : "rw-rw-rw-";
            assertEquals(expected, PosixFilePermissions.toString(Files.getPosixFilePermissions(socket())));
            fixture.attach();
            try (Stream<Path> files = Files.list(folder)) {
                assertEquals(List.of(socket()), files.toList(), "where it was made is gone");
            }
        }
        assertFalse(Files.exists(socket()), "removed by the stop");
    }

    @Test
    void theSocketHasItsOwnerAndGroup() throws Exception {
        PosixFileAttributes own = Files.readAttributes(folder, PosixFileAttributes.class);
        boolean root = own.owner().getName().equals("root");
        String user = root ? "nobody" : own.owner().getName();
        String group = root ? "daemon" : own.group().getName();
        try (ServerFixture fixture = listeningWith(
                SocketFile.PLAIN.withOwner(user + ":" + group, folder).withMode("0660"))) {
            PosixFileAttributes socket = Files.readAttributes(socket(), PosixFileAttributes.class);
            assertEquals(
                    user + ":" + group,
                    socket.owner().getName() + ":" + socket.group().getName());
            assertEquals("rw-rw----", PosixFilePermissions.toString(socket.permissions()));
            fixture.attach();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "rw", "0888", "66", "1777", "-660", "06600"})
    void whatIsNoModeIsRefused(String text) {
        String message = assertThrows(IllegalArgumentException.class, () -> SocketFile.PLAIN.withMode(text))
                .toString();
        assertTrue(message.contains("in octal, like 0660"), message);
    }

    @Test
    void whatIsNoOwnerIsRefused() {
        for (String text : List.of("", ":", "root:")) {
            assertTrue(refusal(text).contains("USER:GROUP"), text);
        }
        assertTrue(refusal("no-such-user").contains("no user 'no-such-user'"));
        assertTrue(refusal("root:no-such-group").contains("no group 'no-such-group'"));
    }

    private String refusal(String text) {
        return assertThrows(IllegalArgumentException.class, () -> SocketFile.PLAIN.withOwner(text, folder))
                .toString();
    }
}
