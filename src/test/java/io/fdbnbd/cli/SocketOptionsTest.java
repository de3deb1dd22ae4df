package io.fdbnbd.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
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
import org.junit.jupiter.params.provider.CsvSource;

/** Who may connect to a unix socket, as {@code fdb-nbd serve} is told. A refused server that did start would not end. */
@Timeout(60)
class SocketOptionsTest {
    @TempDir
    Path folder;

    private CommandRun serve(String... options) {
        return CommandRun.of(Stream.concat(Stream.of("serve", "--store", "memory:"), Stream.of(options))
                .toArray(String[]::new));
    }

    private List<Path> files() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.toList();
        }
    }

    @Test
    void theSocketHasTheModeAndTheOwnerItIsGivenAndIsKeptFromASecondServer() throws Exception {
        PosixFileAttributes own = Files.readAttributes(folder, PosixFileAttributes.class);
        boolean root = own.owner().getName().equals("root");
        String user = root ? "nobody" : own.owner().getName();
        String group = root ? "daemon" : own.group().getName();
        Path socket = folder.resolve("socket");
        String address = "unix:" + socket;
        String[] mode = {"--socket-mode", "0620", "--socket-owner", user + ":" + group};
        try (ServerProcess server = ServerProcess.start(
                "--store", "memory:", "--create", "disk:1M", "--listen", address, mode[0], mode[1], mode[2], mode[3])) {
            PosixFileAttributes file = Files.readAttributes(socket, PosixFileAttributes.class);
            assertEquals("rw--w----", PosixFilePermissions.toString(file.permissions()));
            assertEquals(user, file.owner().getName());
            assertEquals(group, file.group().getName());
            assertEquals(
                    "cannot listen at " + address + ": another server listens there already: stop it, or use another"
                            + " path",
                    serve("--listen", address, mode[0], mode[1]).failed());
            try (TinyNbdClient client = new TinyNbdClient(server.address(), "disk")) {
                client.write(0, new byte[512]);
            }
            server.signal("TERM");
            assertEquals(0, server.exitCode(), server.log());
        }
        assertEquals(List.of(), files());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "--socket-mode=0888        | in --socket-mode: \"0888\" is not the mode of a socket: write it in octal",
                "--socket-mode=rw-rw----   | in --socket-mode: \"rw-rw----\" is not the mode of a socket",
                "--socket-owner=           | in --socket-owner: \"\" is not the owner of a socket: write USER, USER:GROUP",
                "--socket-owner=root:      | in --socket-owner: \"root:\" is not the owner of a socket",
                "--socket-owner=no-such    | in --socket-owner: this machine has no user 'no-such': check the name",
                "--socket-owner=:no-such   | in --socket-owner: this machine has no group 'no-such': check the name",
                "--socket-owner=root:no-such | in --socket-owner: this machine has no group 'no-such'",
            })
    void whatCannotBeIsRefused(String option, String refusal) throws IOException {
        String refused =
                serve("--listen", "unix:" + folder.resolve("s"), option).refused();
        assertTrue(refused.startsWith(refusal), refused);
        assertEquals(List.of(), files());
    }

    @ParameterizedTest
    @CsvSource({"--socket-mode=0660", "--socket-owner=root"})
    void withoutAUnixSocketTheyMakeNoSense(String option) {
        String refused = serve("--listen", "127.0.0.1:0", option).refused();
        assertTrue(refused.endsWith("are for unix sockets: give --listen unix:PATH"), refused);
    }
}
