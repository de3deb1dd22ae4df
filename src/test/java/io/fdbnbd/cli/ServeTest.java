package io.fdbnbd.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import io.fdbnbd.server.ListenAddress;
import io.fdbnbd.server.NbdTestClient;
import io.fdbnbd.store.Batch;
import io.fdbnbd.store.Store;
import io.fdbnbd.store.rocks.RocksStore;
import io.fdbnbd.tls.TestAuthority;
import io.fdbnbd.util.Ticker;
import io.fdbnbd.volume.AckMode;
import io.fdbnbd.volume.Attachment;
import io.fdbnbd.volume.VolumeOptions;
import io.fdbnbd.volume.Volumes;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Real servers, one process each, and what the volume commands say while they run. */
@Timeout(120)
class ServeTest {
    private static final String SPECIAL_NAME = "it's \"quoted\" диск";

    @TempDir
    private Path temp;

    private static CommandRun volume(Path directory, String... arguments) {
        String[] store = {"volume", "--store", "rocksdb:" + directory};
        return CommandRun.of(
                Stream.concat(Stream.of(store), Stream.of(arguments)).toArray(String[]::new));
    }

    private static byte[] stored(Path directory, String name, int length) throws IOException {
        ByteBuffer data = ByteBuffer.allocate(length);
        try (Store store = RocksStore.open(directory);
                Volumes volumes = new Volumes(store, VolumeOptions.of(AckMode.COMMITTED), Ticker.SYSTEM);
                Attachment attachment = volumes.attach(name)) {
            attachment.volume().read(0, data);
        }
        return data.array();
    }

    @Test
    void aVolumeThatCannotBeReadKeepsNoOtherFromBeingServed() throws Exception {
        Path directory = temp.resolve("store");
        volume(directory, "create", "a", "1M").done();
        volume(directory, "create", "b", "1M").done();
        try (Store store = RocksStore.open(directory)) {
            store.commit(new Batch().set("Va".getBytes(StandardCharsets.US_ASCII), new byte[1]));
        }
        String damage = "the record of volume 'a' is damaged: restore the store from a backup";
        try (ServerProcess server = ServerProcess.start("--store", "rocksdb:" + directory, "--listen", "127.0.0.1:0");
                TinyNbdClient client = new TinyNbdClient(server.address(), "b")) {
            client.write(0, new byte[512]);
            assertTrue(server.log().contains("not served: " + damage), server.log());
            CommandRun list = volume(directory, "list");
            assertEquals(CommandRun.FAILED, list.exitCode());
            assertEquals("fdb-nbd: " + damage + "\n", list.err());
            assertTrue(list.out().contains("\nb "), list.out());
        }
    }

    @Test
    void namesOfVolumesThatAreMissingAreInTheLog() throws Exception {
        TestAuthority authority = TestAuthority.create(temp, "authority");
        TestAuthority.Issued own = authority.server("server");
        try (ServerProcess server = ServerProcess.start(
                "--store=memory:",
                "--listen=127.0.0.1:0",
                "--create=disk:1M",
                "--read-only=dsik",
                "--tls-cert=" + own.certificate(),
                "--tls-key=" + own.key(),
                "--tls-ca=" + authority.certificate(),
                "--tls-allow=CN=backup,O=Example",
                "--tls-allow=*=CN=backup,O=Example",
                "--tls-allow=disk=backup")) {
            List<String> warnings = server.log()
                    .lines()
                    .filter(line -> line.contains("does not exist yet: check the name"))
                    .toList();
            assertEquals(2, warnings.size(), server.log());
            assertTrue(warnings.getFirst().contains("--read-only names volume 'dsik'"), server.log());
            assertTrue(warnings.getLast().contains("--tls-allow names volume 'CN'"), server.log());
        }
    }

    @Test
    void volumeCommandsWorkWhileItServesAndSigtermStoresEverything() throws Exception {
        Path directory = temp.resolve("store");
        byte[] data = "answered and never flushed".repeat(1000).getBytes(StandardCharsets.US_ASCII);
        try (ServerProcess server = ServerProcess.start(
                "--store", "rocksdb:" + directory, "--listen", "127.0.0.1:0", "--create", "disk:64M")) {
            assertTrue(server.log().contains("created volume 'disk', 64 MiB"), server.log());
            checkCommands(directory, server);

            String inUse =
                    CommandRun.of("serve", "--store", "rocksdb:" + directory).failed();
            assertTrue(inUse.contains("is in use by process " + server.pid() + ": stop it"), inUse);

            try (TinyNbdClient client = new TinyNbdClient(server.address(), "disk")) {
                client.write(0, data);
                assertEquals("1", attached(directory));
                String busy = volume(directory, "delete", "disk", "--yes").failed();
                assertTrue(busy.contains("'disk' is attached"), busy);
                server.signal("TERM");
                assertEquals(0, server.exitCode(), server.log());
            }
        }
        assertFalse(Files.exists(directory.resolve(ControlServer.SOCKET_NAME)));
        assertArrayEquals(data, stored(directory, "disk", data.length));
        assertEquals("null", attached(directory));
    }

    private static String attached(Path directory) {
        Map<?, ?> json = (Map<?, ?>)
                JsonReader.read(volume(directory, "info", "disk", "--json").done());
        return String.valueOf(json == null ? "nothing" : json.get("attached"));
    }

    private static void checkCommands(Path directory, ServerProcess server) {
        String uri = Attaching.uri(server.address(), SPECIAL_NAME, false);
        assertEquals(
                "created volume '" + SPECIAL_NAME + "', 1 GiB\n  " + uri + "\n",
                volume(directory, "create", SPECIAL_NAME, "1G").done());
        assertEquals(
                "there is a volume '" + SPECIAL_NAME + "' already",
                volume(directory, "create", SPECIAL_NAME, "1G").failed());
        assertEquals(
                "a volume's size is 1 byte to 4096 PiB, not 0",
                volume(directory, "create", "none", "0").refused());
        List<String> list = volume(directory, "list").done().lines().toList();
        assertEquals(3, list.size());
        assertTrue(list.get(1).matches("disk +64 MiB +4 KiB +lz4 +0 +.*"), list.get(1));
        String sheet = volume(directory, "info", SPECIAL_NAME).done();
        assertTrue(sheet.contains("served at    " + uri), sheet);
        assertTrue(sheet.contains("attached     no\n"), sheet);
        Object json = JsonReader.read(volume(directory, "list", "--json").done());
        assertTrue(json instanceof List<?> all && all.size() == 2, String.valueOf(json));
        volume(directory, "delete", SPECIAL_NAME).refused();
        assertEquals(
                "deleted volume '" + SPECIAL_NAME + "'\n",
                volume(directory, "delete", SPECIAL_NAME, "--yes").done());
        assertEquals(
                "there is no volume '" + SPECIAL_NAME + "': see `fdb-nbd volume list`",
                volume(directory, "info", SPECIAL_NAME).failed());
    }

    @Test
    void aDirectoryTooDeepForASocketIsServedAndSigintStopsIt() throws Exception {
        Path directory = temp.resolve("d".repeat(90)).resolve("store");
        Path socket = temp.resolve("nbd");
        try (ServerProcess server = ServerProcess.start(
                "--store", "rocksdb:" + directory, "--listen", "unix:" + socket, "--create", "disk:1M")) {
            assertEquals(new ListenAddress.Unix(socket), server.address());
            assertTrue(server.log().contains("volume commands cannot reach this server"), server.log());
            String failure = volume(directory, "list").failed();
            assertTrue(failure.contains("is in use by process " + server.pid()), failure);
            assertTrue(failure.contains("too long for a socket"), failure);
            try (TinyNbdClient client = new TinyNbdClient(server.address(), "disk")) {
                client.write(0, new byte[] {1, 2, 3});
            }
            assumeFalse(server.ignoresInterrupt(), "the test runs in a background that ignores SIGINT");
            server.signal("INT");
            assertEquals(0, server.exitCode(), server.log());
        }
        assertFalse(Files.exists(socket));
        assertArrayEquals(new byte[] {1, 2, 3, 0}, stored(directory, "disk", 4));
    }

    @Test
    void theSameCommandRunsAgainAfterAKill() throws Exception {
        Path directory = temp.resolve("store");
        String[] command = {
            "--store", "rocksdb:" + directory, "--listen", "unix:" + temp.resolve("nbd"), "--create", "disk:1M"
        };
        try (ServerProcess server = ServerProcess.start(command)) {
            server.signal("KILL");
            assertEquals(128 + 9, server.exitCode());
        }
        assertTrue(Files.exists(directory.resolve(ControlServer.SOCKET_NAME)));
        try (ServerProcess server = ServerProcess.start(command)) {
            assertTrue(server.log().contains("volume 'disk', 1 MiB, is there already"), server.log());
            assertEquals("0", attached(directory));
        }
    }

    @Test
    void whatAKilledServerHadAnsweredIsAGapUntilItIsRecovered() throws Exception {
        Path directory = temp.resolve("store");
        String[] command = {"--store", "rocksdb:" + directory, "--listen", "127.0.0.1:0", "--create", "disk:1M"};
        String leftBy = writeAndKill(command);
        String sheet = volume(directory, "info", "disk").done();
        assertTrue(sheet.contains("left unclean by " + leftBy), sheet);
        try (ServerProcess server = ServerProcess.start(command)) {
            String sentence = NbdTestClient.refusalOf(server.address(), "disk");
            assertTrue(sentence.startsWith("volume 'disk' was left unclean by " + leftBy), sentence);
            assertTrue(sentence.contains("`fdb-nbd volume recover 'disk'`"), sentence);
            String recovered = volume(directory, "recover", "disk").done();
            assertTrue(recovered.startsWith("volume 'disk' can be attached again; it was left unclean by " + leftBy));
            assertEquals(
                    "volume 'disk' is clean: there is nothing to do\n",
                    volume(directory, "recover", "disk").done());
        }
        leftBy = writeAndKill(command);
        // Where no server has the store, the command does it by itself.
        String recovered = volume(directory, "recover", "disk").done();
        assertTrue(recovered.contains(leftBy), recovered);
        leftBy = writeAndKill(command);
        String[] accepting = Stream.concat(Stream.of(command), Stream.of("--on-unclean=accept"))
                .toArray(String[]::new);
        try (ServerProcess server = ServerProcess.start(accepting);
                TinyNbdClient client = new TinyNbdClient(server.address(), "disk")) {
            client.write(0, new byte[] {9});
            sheet = volume(directory, "info", "disk").done();
            assertTrue(sheet.contains("state        in use\n"), sheet);
            String busy = volume(directory, "recover", "disk").failed();
            assertTrue(busy.contains("'disk' is attached"), busy);
            server.signal("TERM");
            assertEquals(0, server.exitCode(), server.log());
            assertTrue(server.log().contains("was left unclean by " + leftBy), server.log());
        }
        sheet = volume(directory, "info", "disk").done();
        assertTrue(sheet.contains("state        clean\n"), sheet);
        assertArrayEquals(new byte[] {9}, stored(directory, "disk", 1));
    }

    /** Returns who that was. */
    private static String writeAndKill(String... command) throws Exception {
        try (ServerProcess server = ServerProcess.start(command);
                TinyNbdClient client = new TinyNbdClient(server.address(), "disk")) {
            client.write(0, new byte[] {1, 2, 3});
            server.signal("KILL");
            assertEquals(128 + 9, server.exitCode());
            return "the fdb-nbd server with process id " + server.pid();
        }
    }

    @Test
    void inCommittedModeAClientOfAKilledServerReconnectsAndGoesOn() throws Exception {
        Path directory = temp.resolve("store");
        String[] command = {
            "--store", "rocksdb:" + directory, "--listen", "127.0.0.1:0", "--create", "disk:1M", "--ack", "committed"
        };
        int kills = 3;
        for (int i = 0; i < kills; i++) {
            try (ServerProcess server = ServerProcess.start(command);
                    TinyNbdClient client = new TinyNbdClient(server.address(), "disk")) {
                client.write(i, new byte[] {(byte) (i + 1)});
                server.signal("KILL");
                assertEquals(128 + 9, server.exitCode());
            }
        }
        assertArrayEquals(new byte[] {1, 2, 3}, stored(directory, "disk", kills));
    }
}
