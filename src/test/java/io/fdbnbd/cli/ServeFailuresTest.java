package io.fdbnbd.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A server that cannot start says why, and leaves nothing behind. If it did start, the test would not end. */
@Timeout(60)
class ServeFailuresTest {
    @TempDir
    private Path temp;

    private static CommandRun inMemory(String... arguments) {
        String[] start = {"serve", "--store", "memory:"};
        return CommandRun.of(
                Stream.concat(Stream.of(start), Stream.of(arguments)).toArray(String[]::new));
    }

    @Test
    void aPortInUseIsNamed() throws IOException {
        try (ServerSocketChannel taken = ServerSocketChannel.open()) {
            taken.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
            int port = ((InetSocketAddress) taken.getLocalAddress()).getPort();
            String failure = inMemory("--listen", "127.0.0.1:" + port).failed();
            assertTrue(failure.startsWith("cannot listen at 127.0.0.1:" + port + ": "), failure);
            assertTrue(
                    failure.endsWith(": use another port, or stop what listens there, which `ss -ltnp` shows"),
                    failure);
        }
    }

    @Test
    void aUnixSocketInUseIsNamedAndOtherFilesAreKept() throws IOException {
        Path path = temp.resolve("socket");
        try (ServerSocketChannel taken = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            taken.bind(UnixDomainSocketAddress.of(path));
            String failure = inMemory("--listen", "unix:" + path).failed();
            assertTrue(failure.startsWith("cannot listen at unix:" + path + ": "), failure);
        }
        Files.delete(path);
        Files.writeString(path, "a letter");
        inMemory("--listen", "unix:" + path).failed();
        assertEquals("a letter", Files.readString(path));
    }

    @Test
    void aPathThatIsTooLongForASocketIsRefused() {
        String path = "/tmp/" + "é".repeat(60);
        assertEquals(
                "in --listen: the path of a unix socket has at most 106 bytes, and " + path
                        + " has 125: use a shorter one",
                inMemory("--listen", "unix:" + path).refused());
    }

    @Test
    void whatIsWrongWithAPlaceIsSaid() {
        String start = "cannot listen at unix:" + temp.resolve("missing/s") + ": ";
        assertEquals(
                start + "its directory does not exist: create it, or use another path",
                inMemory("--listen", "unix:" + temp.resolve("missing/s")).failed());
        String failure = inMemory("--listen", "203.0.113.9:0").failed();
        assertTrue(failure.endsWith(": use an address of this machine, which `ip address` shows"), failure);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "--listen | host:99999 | in --listen: \"host:99999\" is not an address to listen at: write HOST:PORT",
                "--listen | unix: | in --listen: \"unix:\" is not an address",
                "--ack | later | in --ack: \"later\" is none of: buffered, committed",
                "--multi-conn | maybe | in --multi-conn: \"maybe\" is none of: on, off",
                "--create | disk | in --create: \"disk\" is no volume to create: write NAME:SIZE, like disk:10G",
                "--create | :1G | in --create: \":1G\" is no volume to create",
                "--create | disk: | in --create: \"\" is not a size",
                "--create | disk:1.5G | in --create: \"1.5G\" is not a size",
                "--create | disk:0 | in --create: a volume's size is 1 byte to 4096 PiB, not 0",
                "--create | disk:4097P | in --create: a volume's size is 1 byte to 4096 PiB, not 4097P",
                "--log-level | loud | in --log-level: \"loud\" is none of: off, error, warn, info, debug, trace",
            })
    void aWrongOptionIsRefused(String option, String value, String refusal) {
        String refused = inMemory(option, value).refused();
        assertTrue(refused.startsWith(refusal), refused);
    }

    @Test
    void aNameThatCannotBeIsRefused() {
        assertEquals(
                "a volume's name has no '/' and no NUL in it",
                inMemory("--create", "a/b:1G").refused());
    }

    @Test
    void anotherSizeChangesNothing() {
        String store = "rocksdb:" + temp.resolve("store");
        CommandRun.of("volume", "create", "disk", "1G", "--store", store).done();
        assertEquals(
                "there is a volume 'disk' already, with 1073741824 bytes and not 2147483648: give that size or another"
                        + " name (nothing was created)",
                CommandRun.of("serve", "--store", store, "--create", "new:1G", "--create", "disk:2G")
                        .failed());
        String list = CommandRun.of("volume", "list", "--store", store).done();
        assertTrue(!list.contains("new"), list);
        assertTrue(inMemory("--create", "a:1G", "--create", "a:2G").failed().contains("nothing was created"));
    }

    @Test
    void whatIsNoDirectoryForAStoreIsNamed() throws IOException {
        Path file = Files.writeString(temp.resolve("file"), "");
        assertEquals(
                file + " is not a directory: name another one",
                CommandRun.of("serve", "--store", "rocksdb:" + file).failed());
        Surroundings environment = CommandRun.noTerminal(Map.of("FDB_NBD_STORE", "rocksdb:" + file + "/below"));
        assertTrue(CommandRun.of(environment, "serve").failed().startsWith(file + "/below cannot be written to"));
    }

    @Test
    void aFailedStartLeavesTheStoreToOthers() {
        String store = "rocksdb:" + temp.resolve("store");
        String missing = "unix:" + temp.resolve("missing").resolve("socket");
        CommandRun.of("serve", "--store", store, "--listen", missing, "--create", "disk:1G")
                .failed();
        assertTrue(CommandRun.of("volume", "list", "--store", store).done().contains("disk"));
    }
}
