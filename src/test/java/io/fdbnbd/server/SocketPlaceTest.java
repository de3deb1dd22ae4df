package io.fdbnbd.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fdbnbd.util.UnixSockets;
import io.fdbnbd.volume.AckMode;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** How a unix socket comes to its place, who else may have one there, and what is left when it goes. */
@Timeout(60)
class SocketPlaceTest {
    private static final int ROUNDS = 40;

    @TempDir
    Path folder;

    private Path socket() {
        return folder.resolve("s");
    }

    private static ServerFixture listeningAt(Path place, SocketFile file) throws Exception {
        return new ServerFixture(
                AckMode.BUFFERED, options -> ServerOptions.of(List.of(new ListenAddress.Unix(place, file))));
    }

    private static ServerFixture listeningAt(Path place) throws Exception {
        return listeningAt(place, SocketFile.PLAIN);
    }

    private static void leaveDeadSocket(Path place) throws IOException {
        try (ServerSocketChannel dead = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            dead.bind(UnixDomainSocketAddress.of(place));
        }
    }

    private static List<Path> files(Path directory) throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.toList();
        }
    }

    /** One in which the path of {@code name} has just as many bytes. */
    private Path directory(int bytes, String name) throws IOException {
        int missing = bytes - folder.toString().length() - 2 - name.length();
        return Files.createDirectory(folder.resolve("d".repeat(missing)));
    }

    /** It is made under another name first, which must not be the longer one. */
    @ParameterizedTest
    @CsvSource({"106, abc", "106, fdb-nbd.sock", "105, ab", "104, a"})
    void everyPathThatClientsCanNameIsListenedAt(int bytes, String name) throws Exception {
        Path directory = directory(bytes, name);
        Path place = directory.resolve(name);
        for (SocketFile file : List.of(SocketFile.PLAIN, SocketFile.PLAIN.withMode("0660"))) {
            try (ServerFixture fixture = listeningAt(place, file)) {
                fixture.attach();
                assertEquals(List.of(place), files(directory), "where it was made is gone");
            }
            assertEquals(List.of(), files(directory));
        }
    }

    @ParameterizedTest
    @CsvSource({"106, ab", "106, a", "105, a"})
    void aDirectoryWithoutRoomForAnotherNameIsRefused(int bytes, String name) throws Exception {
        Path directory = directory(bytes, name);
        Path place = directory.resolve(name);
        String refusal = refusal(place);
        assertTrue(refusal.contains("use a directory with a shorter path"), refusal);
        assertEquals(List.of(), files(directory));
    }

    /** The directory for the making may have names of one byte only, and must not lie where the socket is to lie. */
    @Test
    void theNameOfTheSocketIsNotTakenForItsMaking() throws Exception {
        Path directory = directory(104, "a");
        for (int digit = 0; digit < Character.MAX_RADIX; digit++) {
            char name = Character.forDigit(digit, Character.MAX_RADIX);
            if (name != 'a') {
                Files.createDirectory(directory.resolve(String.valueOf(name)));
            }
        }
        String refusal = refusal(directory.resolve("a"));
        assertTrue(refusal.contains("all short names"), refusal);
    }

    private static String refusal(Path place) {
        return assertThrows(IOException.class, () -> listeningAt(place)).toString();
    }

    @Test
    void aSocketThatADeadServerLeftIsReplaced() throws Exception {
        leaveDeadSocket(socket());
        try (ServerFixture fixture = listeningAt(socket())) {
            fixture.attach();
        }
        assertEquals(List.of(), files(folder), "removed by the stop");
    }

    @Test
    void theSocketOfALivingServerIsRefused() throws Exception {
        try (ServerFixture living = listeningAt(socket())) {
            String refusal = refusal(socket());
            assertTrue(refusal.contains(socket().toString()), refusal);
            living.attach();
            assertEquals(List.of(socket()), files(folder));
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void whatIsNoSocketIsNotTouched(boolean link) throws Exception {
        Path precious = Files.writeString(folder.resolve("precious"), "precious");
        Path place = link ? Files.createSymbolicLink(socket(), precious) : precious;
        refusal(place);
        assertEquals("precious", Files.readString(place));
        assertEquals(link ? 2 : 1, files(folder).size());
    }

    @Test
    void aSocketThatIsAnotherServersByNowIsLeftWhereItIs() throws Exception {
        ServerFixture fixture = listeningAt(socket());
        Files.delete(socket());
        try (ServerSocketChannel other = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            other.bind(UnixDomainSocketAddress.of(socket()));
            fixture.close();
            assertTrue(Files.exists(socket()));
        }
    }

    /** As it is when the other has come between the look and the removal. */
    @Test
    void aLivingSocketThatWasTakenForADeadOneIsPutBack() throws Exception {
        try (ServerFixture living = listeningAt(socket())) {
            assertThrows(IOException.class, () -> SocketPlace.removeDead(socket(), folder.resolve("moved")));
            living.attach();
            assertEquals(List.of(socket()), files(folder));
        }
        assertEquals(List.of(), files(folder), "it is its server's still");
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void ofTwoServersAtOnePlaceOneStartsAndIsReached(boolean dead) throws Exception {
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < ROUNDS; i++) {
                if (dead) {
                    leaveDeadSocket(socket());
                }
                CyclicBarrier both = new CyclicBarrier(2);
                Callable<ServerFixture> start = () -> {
                    both.await();
                    return listeningAt(socket());
                };
                assertOneServes(threads.invokeAll(List.of(start, start)));
                assertFalse(Files.exists(socket()), "round " + i);
            }
        }
        assertEquals(List.of(), files(folder));
    }

    private static void assertOneServes(List<Future<ServerFixture>> starts) throws Exception {
        int served = 0;
        for (Future<ServerFixture> start : starts) {
            if (start.state() == Future.State.SUCCESS) {
                try (ServerFixture fixture = start.resultNow()) {
                    fixture.attach();
                    served++;
                }
            } else {
                String refusal = start.exceptionNow().toString();
                assertTrue(refusal.contains("listens there already"), refusal);
            }
        }
        assertEquals(1, served);
    }

    @Test
    void aPathIsAsLongAsLinuxHasRoomFor() {
        assertTrue(UnixSockets.fits(Path.of("/" + "d".repeat(105))));
        assertFalse(UnixSockets.fits(Path.of("/" + "d".repeat(106))));
    }
}
