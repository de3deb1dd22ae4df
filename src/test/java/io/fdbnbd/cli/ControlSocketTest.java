package io.fdbnbd.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fdbnbd.util.Closer;
import io.fdbnbd.util.Threads;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.function.Function;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The two ends of the control socket, without a store. */
@Timeout(60)
class ControlSocketTest {
    private static final Duration LONG = Duration.ofSeconds(50);
    private static final Duration SHORT = Duration.ofMillis(100);

    /** More than the server has workers. */
    private static final int MANY = 10;

    @TempDir
    private Path directory;

    private final Closer owned = new Closer();

    @AfterEach
    void close() throws IOException {
        owned.close();
    }

    private ControlServer start(Function<List<String>, ControlMessages.Answer> command, Duration deadline)
            throws IOException {
        return owned.register(ControlServer.start(directory, command, deadline));
    }

    private static ControlMessages.Answer echo(List<String> arguments) {
        return new ControlMessages.Answer(arguments.size(), String.join("|", arguments), "e\u0301");
    }

    private Optional<ControlMessages.Answer> ask(String... arguments) throws IOException {
        return new ControlClient(directory, LONG).ask(ControlMessages.encode(List.of(arguments)));
    }

    private SocketChannel connect() throws IOException {
        return SocketChannel.open(UnixDomainSocketAddress.of(socket()));
    }

    private Path socket() {
        return directory.resolve(ControlServer.SOCKET_NAME);
    }

    @Test
    void theAnswerIsWhatTheCommandSaid() throws IOException {
        ControlServer server = start(ControlSocketTest::echo, LONG);
        assertEquals(
                Optional.of(new ControlMessages.Answer(3, "a||\ud83d\ude00\n", "e\u0301")),
                ask("a", "", "\ud83d\ude00\n"));
        assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(socket())));
        server.close();

        assertTrue(Files.notExists(socket()));
        assertEquals(Optional.empty(), ask("a"));
    }

    @Test
    void manyAreAnsweredThoughWorkersAreFew() throws Exception {
        start(ControlSocketTest::echo, LONG);
        List<FutureTask<Optional<ControlMessages.Answer>>> answers = new ArrayList<>();
        for (int i = 0; i < MANY; i++) {
            String argument = "client " + i;
            answers.add(new FutureTask<>(() -> ask(argument)));
            Threads.startVirtual("test-client", answers.getLast());
        }
        for (int i = 0; i < MANY; i++) {
            assertEquals("client " + i, answers.get(i).get().orElseThrow().out());
        }
    }

    @Test
    void whoSendsNothingIsCutOffAndKeepsNobodyWaitingForEver() throws IOException {
        start(ControlSocketTest::echo, SHORT);
        List<SocketChannel> stuck = connectMany(new byte[] {ControlMessages.VERSION});
        assertEquals("x", ask("x").orElseThrow().out());
        for (SocketChannel client : stuck) {
            assertEquals(-1, client.read(ByteBuffer.allocate(1)));
        }
    }

    @Test
    void whoTakesNoAnswerIsCutOff() throws IOException {
        ControlMessages.Answer large = new ControlMessages.Answer(0, "x".repeat(8 << 20), "");
        start(arguments -> large, SHORT);
        connectMany(new byte[] {ControlMessages.VERSION, 0});
        // More are stuck than there are workers, and still the next one is served.
        assertEquals(large, ask().orElseThrow());
    }

    private List<SocketChannel> connectMany(byte[] sent) throws IOException {
        List<SocketChannel> clients = new ArrayList<>();
        for (int i = 0; i < MANY; i++) {
            clients.add(owned.register(connect()));
            clients.getLast().write(ByteBuffer.wrap(sent));
        }
        return clients;
    }

    @Test
    void anotherVersionIsToldSo() throws IOException {
        start(ControlSocketTest::echo, LONG);
        try (SocketChannel newer = connect()) {
            newer.write(ByteBuffer.wrap(new byte[] {ControlMessages.VERSION + 1}));
            ByteBuffer answer = ByteBuffer.allocate(6);
            while (answer.hasRemaining() && newer.read(answer) >= 0) {}
            assertEquals(ControlMessages.VERSION, answer.get(0));
            assertEquals(CommandRun.FAILED, answer.get(1));
        }
    }

    @Test
    void nonsenseHurtsNobody() throws IOException {
        long seed = Long.getLong("fdbnbd.seed", 20_261_122L);
        System.out.println("ControlSocketTest: fdbnbd.seed=" + seed);
        Random random = new Random(seed);
        start(ControlSocketTest::echo, SHORT);
        for (int i = 0; i < 50; i++) {
            byte[] bytes = new byte[1 + random.nextInt(40)];
            random.nextBytes(bytes);
            if (random.nextBoolean()) {
                bytes[0] = ControlMessages.VERSION;
            }
            try (SocketChannel client = connect()) {
                client.write(ByteBuffer.wrap(bytes));
            }
        }
        assertEquals("x", ask("x").orElseThrow().out());
    }

    @Test
    void aCommandThatRunsIsAnsweredBeforeTheServerCloses() throws Exception {
        CountDownLatch running = new CountDownLatch(1);
        CountDownLatch finish = new CountDownLatch(1);
        ControlServer server = start(
                arguments -> {
                    running.countDown();
                    await(finish);
                    return echo(arguments);
                },
                LONG);
        SocketChannel silent = connect();
        FutureTask<Optional<ControlMessages.Answer>> answer = new FutureTask<>(() -> ask("late"));
        Threads.startVirtual("test-client", answer);
        running.await();
        FutureTask<Void> closing = new FutureTask<>(() -> {
            server.close();
            return null;
        });
        Threads.startVirtual("test-close", closing);
        // Cut by the close, long before its deadline: now the close has begun.
        assertEquals(-1, silent.read(ByteBuffer.allocate(1)));
        finish.countDown();
        assertEquals("late", answer.get().orElseThrow().out());
        closing.get();
        silent.close();
    }

    @Test
    void aServerThatDoesNotAnswerIsReported() throws IOException {
        try (ServerSocketChannel mute = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            mute.bind(UnixDomainSocketAddress.of(socket()));
            IOException failure =
                    assertThrows(IOException.class, () -> new ControlClient(directory, SHORT).ask(new byte[0][]));
            String message = String.valueOf(failure.getMessage());
            assertTrue(message.startsWith("a server listens at " + socket() + ", but gave no answer"), message);
        }
    }

    @Test
    void theSocketOfADeadServerIsReplacedButNoOtherFile() throws IOException {
        try (ServerSocketChannel dead = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            dead.bind(UnixDomainSocketAddress.of(socket()));
        }
        assertEquals(Optional.empty(), ask("x"));
        ControlServer server = start(ControlSocketTest::echo, LONG);
        assertEquals("x", ask("x").orElseThrow().out());
        server.close();

        Files.writeString(socket(), "a letter");
        assertThrows(IOException.class, () -> start(ControlSocketTest::echo, LONG));
        assertEquals("a letter", Files.readString(socket()));
    }

    @Test
    void whatIsTooLongIsNotSent() {
        List<String> many = new ArrayList<>();
        for (int i = 0; i <= ControlMessages.ARGUMENTS_MAX; i++) {
            many.add("x");
        }
        assertThrows(IllegalArgumentException.class, () -> ControlMessages.encode(many));
        assertThrows(
                IllegalArgumentException.class,
                () -> ControlMessages.encode(List.of("x".repeat(ControlMessages.ARGUMENT_BYTES_MAX + 1))));
        assertThrows(IllegalArgumentException.class, () -> ControlMessages.encode(List.of("\ud800")));
    }

    @Test
    void anAnswerThatIsTooLongBecomesAFailure() throws IOException {
        String output = "x".repeat(ControlMessages.OUTPUT_BYTES_MAX + 1);
        start(arguments -> new ControlMessages.Answer(0, output, ""), LONG);
        ControlMessages.Answer answer = ask().orElseThrow();
        assertEquals(CommandRun.FAILED, answer.exitCode());
        assertEquals("", answer.out());
        assertTrue(answer.err().startsWith("fdb-nbd: the answer has more than "), answer.err());
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
