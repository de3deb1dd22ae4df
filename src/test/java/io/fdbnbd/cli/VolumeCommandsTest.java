package io.fdbnbd.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fdbnbd.store.Batch;
import io.fdbnbd.store.Store;
import io.fdbnbd.store.rocks.RocksStore;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The volume commands where no server has the store. */
class VolumeCommandsTest {
    @TempDir
    private Path temp;

    private CommandRun volume(String... arguments) {
        return volume(CommandRun.noTerminal(Map.of()), arguments);
    }

    private CommandRun volume(Surroundings surroundings, String... arguments) {
        String[] store = {"volume", "--store", "rocksdb:" + directory()};
        return CommandRun.of(
                surroundings,
                Stream.concat(Stream.of(store), Stream.of(arguments)).toArray(String[]::new));
    }

    private Path directory() {
        return temp.resolve("store");
    }

    @SuppressWarnings("unchecked")
    private List<Map<String, @Nullable Object>> listed() {
        Object json = JsonReader.read(volume("list", "--json").done());
        return (List<Map<String, @Nullable Object>>) assertNotNullValue(json);
    }

    private static Object assertNotNullValue(@Nullable Object value) {
        assertNotNull(value);
        return value;
    }

    @Test
    void anEmptyPlaceHasNoVolumesAndStaysEmpty() {
        assertEquals(
                "There are no volumes in rocksdb:" + directory() + ".\n"
                        + "To create one: fdb-nbd volume create disk 10G --store rocksdb:" + directory() + "\n",
                volume("list").done());
        assertEquals("[]\n", volume("list", "--json").done());
        assertEquals(
                "there is no volume 'x': see `fdb-nbd volume list`",
                volume("info", "x").failed());
        assertEquals(
                "there is no volume 'x': see `fdb-nbd volume list`",
                volume("delete", "x", "--yes").failed());
        assertFalse(Files.exists(directory()));
    }

    @Test
    void aVolumeIsCreatedListedShownAndDeleted() {
        assertEquals(
                "created volume 'disk', 10 GiB\nTo serve it: fdb-nbd serve --store rocksdb:" + directory() + "\n",
                volume("create", "disk", "10G").done());
        volume("create", "logs", "1536M", "--block-size", "16K", "--compression", "ZSTD")
                .done();

        List<String> table = volume("list").done().lines().toList();
        assertEquals(3, table.size());
        assertTrue(table.get(0).matches("NAME +SIZE +BLOCK +COMPRESSION +ATTACHED +CREATED"), table.get(0));
        assertTrue(
                table.get(1).matches("disk +10 GiB +4 KiB +lz4 +- +\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d"), table.get(1));
        assertTrue(table.get(2).matches("logs +1.5 GiB +16 KiB +zstd +- .*"), table.get(2));
        assertEquals(table.get(0).indexOf("SIZE"), table.get(1).indexOf("10 GiB"));

        String sheet = volume("info", "logs").done();
        assertTrue(sheet.contains("1.5 GiB (1610612736 bytes)"), sheet);
        assertTrue(sheet.contains("no server has the store"), sheet);

        assertEquals(
                "deleted volume 'disk'\n", volume("delete", "--yes", "disk").done());
        assertEquals(
                List.of("logs"), listed().stream().map(json -> json.get("name")).toList());
    }

    @Test
    void jsonHasWhatTheHelpPromises() {
        volume("create", "disk", "1000", "--block-size=512", "--compression=none")
                .done();
        Map<String, @Nullable Object> json = listed().getFirst();
        assertEquals(
                List.of(
                        "name",
                        "size_bytes",
                        "block_bytes",
                        "compression",
                        "created",
                        "layer",
                        "attached",
                        "uris",
                        "owner",
                        "marked_by",
                        "failed_since",
                        "failed_because"),
                List.copyOf(json.keySet()));
        assertEquals("disk", json.get("name"));
        assertEquals(1000L, json.get("size_bytes"));
        assertEquals(512L, json.get("block_bytes"));
        assertEquals("none", json.get("compression"));
        assertTrue(String.valueOf(json.get("created")).matches("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z"));
        assertEquals(null, json.get("attached"));
        assertEquals(List.of(), json.get("uris"));
        assertEquals(json, JsonReader.read(volume("info", "disk", "--json").done()));
        String help = volume("list", "--help").done();
        json.keySet().forEach(key -> assertTrue(help.contains(key), key));
    }

    @Test
    void aVolumeThatCannotBeReadIsNamedAndHidesNoOther() throws IOException {
        for (String name : List.of("a", "b", "c")) {
            volume("create", name, "1M").done();
        }
        try (Store store = RocksStore.open(directory())) {
            store.commit(new Batch().set("Vb".getBytes(StandardCharsets.UTF_8), new byte[1]));
        }
        String damage = "the record of volume 'b' is damaged: restore the store from a backup";

        CommandRun text = volume("list");
        assertEquals("fdb-nbd: " + damage + "\n", text.err());
        assertEquals(CommandRun.FAILED, text.exitCode());
        assertEquals(
                List.of("NAME", "a", "c", "b"),
                text.out()
                        .lines()
                        .map(line -> line.substring(0, line.indexOf(' ')))
                        .toList());

        CommandRun json = volume("list", "--json");
        assertEquals("fdb-nbd: " + damage + "\n", json.err());
        assertEquals(CommandRun.FAILED, json.exitCode());
        List<?> listed = (List<?>) assertNotNullValue(JsonReader.read(json.out()));
        assertEquals(3, listed.size());
        assertEquals(Map.of("name", "b", "unreadable", damage), listed.getLast());
        assertTrue(volume("list", "--help").done().contains("unreadable"));
        assertEquals(damage, volume("info", "b").failed());

        volume("delete", "a", "--yes").done();
        volume("delete", "c", "--yes").done();
        assertFalse(volume("list").out().contains("There are no volumes"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"a b", "it's \"quoted\"", "диск \ud83d\ude00", "@file", "-x", "--help", "a\\b", "x:1G", "a,b"})
    void anyNameIsTakenAsItIs(String name) {
        volume("create", "--", name, "1M").done();
        assertEquals(
                List.of(name), listed().stream().map(json -> json.get("name")).toList());
        assertTrue(volume("list").done().contains(name));
        volume("delete", "--yes", "--", name).done();
        assertEquals("[]\n", volume("list", "--json").done());
    }

    @Test
    void aNameIsShownWithoutWhatATerminalObeys() {
        String name = "red\u001b[31m\nalert\u202e";
        volume("create", name, "1M").done();
        String list = volume("list").done();
        assertTrue(list.contains("red\\u001b[31m\\u000aalert\\u202e "), list);
        assertEquals(name, listed().getFirst().get("name"));
        assertTrue(volume("create", name, "1M").failed().contains("already"));
    }

    @Test
    void aNameHasUpTo255Bytes() {
        String longest = "é".repeat(127) + "x";
        volume("create", longest, "1M").done();
        assertEquals(longest, listed().getFirst().get("name"));
        assertEquals(
                "a volume's name has 1 to 255 bytes, not 256",
                volume("create", longest + "x", "1M").refused());
        assertEquals(
                "a volume's name has 1 to 255 bytes, not 0",
                volume("create", "", "1M").refused());
        assertEquals(
                "a volume's name has no '/' and no NUL in it",
                volume("create", "a/b", "1M").refused());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "0 | a volume's size is 1 byte to 4096 PiB, not 0",
                "4097P | a volume's size is 1 byte to 4096 PiB, not 4612811918334230528",
                "8192P | in SIZE: the size \"8192P\" is too large: it must stay below 8192P",
                "-1 | in SIZE: \"-1\" is not a size: write a whole number of bytes, optionally followed by K, M, G, T or P"
                        + " (powers of 1024), like 512, 4K or 10G",
                "1.5G | in SIZE: \"1.5G\" is not a size: write a whole number of bytes, optionally followed by K, M, G, T"
                        + " or P (powers of 1024), like 512, 4K or 10G",
            })
    void aSizeThatCannotBeIsRefused(String size, String refusal) {
        assertEquals(refusal, volume("create", "disk", size).refused());
    }

    @Test
    void theLargestSizeIsTaken() {
        volume("create", "disk", "4096P").done();
        assertEquals(1L << 62, listed().getFirst().get("size_bytes"));
    }

    @Test
    void blockSizeAndCompressionAreChecked() {
        String refusal = "a block size is a power of two from 512 to 64K, not ";
        assertEquals(
                refusal + 256,
                volume("create", "a", "1M", "--block-size", "256").refused());
        assertEquals(
                refusal + 3000,
                volume("create", "a", "1M", "--block-size", "3000").refused());
        assertEquals(
                refusal + (1L << 33),
                volume("create", "a", "1M", "--block-size", "8G").refused());
        assertEquals(
                "in --compression: \"gzip\" is none of: none, lz4, zstd",
                volume("create", "a", "1M", "--compression", "gzip").refused());
    }

    @Test
    void whatIsThereIsNotCreatedAgain() {
        volume("create", "disk", "1M").done();
        assertEquals(
                "there is a volume 'disk' already",
                volume("create", "disk", "1M").failed());
    }

    @Test
    void aPersonIsAskedBeforeADelete() {
        volume("create", "disk", "1M").done();
        String question = "Delete volume 'disk' and everything in it? [y/N] ";
        for (String no : List.of("n\n", "\n", "", "yessir\n")) {
            CommandRun run = volume(CommandRun.terminal(no), "delete", "disk");
            assertEquals(CommandRun.FAILED, run.exitCode());
            assertEquals(question, run.out());
            assertEquals("fdb-nbd: nothing was deleted\n", run.err());
        }
        assertEquals(1, listed().size());
        assertEquals(
                question + "deleted volume 'disk'\n",
                volume(CommandRun.terminal("Y\n"), "delete", "disk").done());
        assertEquals(List.of(), listed());
    }

    @Test
    void whereNobodyCanBeAskedNothingIsDeleted() {
        volume("create", "disk", "1M").done();
        assertEquals(
                "nobody can be asked here whether to delete 'disk': add --yes",
                volume("delete", "disk").refused());
        assertEquals(1, listed().size());
    }

    @Test
    void aStoreInMemoryIsOutOfReach() {
        assertEquals(
                "a memory: store is inside its server, out of reach of other commands: create its volumes with"
                        + " `fdb-nbd serve --store memory: --create NAME:SIZE`",
                CommandRun.of("volume", "list", "--store", "memory:").refused());
    }

    @Test
    void aClusterThatIsNotThereIsAFailure() {
        String missing = temp.resolve("no.cluster").toString();
        String failure =
                CommandRun.of("volume", "list", "--store", "fdb:" + missing).failed();
        assertTrue(failure.contains(missing) || failure.contains("libfdb_c"), failure);
    }

    @Test
    void aDirectoryOfSomethingElseIsLeftAlone() throws IOException {
        Files.createDirectories(directory());
        Files.writeString(directory().resolve("letter.txt"), "dear");
        assertTrue(volume("list").failed().contains("letter.txt"));
        Path file = Files.writeString(temp.resolve("file"), "");
        String failure = CommandRun.of("volume", "create", "a", "1M", "--store", "rocksdb:" + file)
                .failed();
        assertEquals(file + " is not a directory: name another one", failure);
    }

    @Test
    void theEnvironmentNamesTheStore() {
        volume("create", "disk", "1M").done();
        Surroundings named = CommandRun.noTerminal(Map.of("FDB_NBD_STORE", "rocksdb:" + directory()));
        assertTrue(CommandRun.of(named, "volume", "list").done().contains("disk"));
        Surroundings state = CommandRun.noTerminal(Map.of("XDG_STATE_HOME", temp.toString()));
        assertTrue(CommandRun.of(state, "volume", "list").done().contains("rocksdb:" + temp + "/fdb-nbd/rocksdb"));
    }

    @Test
    void theSocketOfADeadServerIsNoObstacle() throws IOException {
        volume("create", "disk", "1M").done();
        try (ServerSocketChannel dead = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            dead.bind(UnixDomainSocketAddress.of(directory().resolve(ControlServer.SOCKET_NAME)));
        }
        assertTrue(volume("list").done().contains("disk"));
    }
}
