package io.fdbnbd.endtoend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A server that is started as systemd starts one, with a socket that listens already and somebody to be told; and what
 * systemd's own tool says of our units.
 */
@Timeout(300)
class SystemdTest {
    private static final int SECONDS_MAX = 60;
    private static final Path UNITS = Path.of("tools/systemd");

    /** Tenths, of 100 for a unit that is kept from nothing: ours has 17, and what remains is what a server needs. */
    private static final int EXPOSURE_MAX = 25;

    /** Listens at the address, and becomes the command with the socket as the given descriptor. */
    private static final String HAND_OVER = """
            import os, socket, sys
            address, target, count = sys.argv[1], int(sys.argv[2]), sys.argv[3]
            if address.startswith('/'):
                s = socket.socket(socket.AF_UNIX)
                s.bind(address)
            else:
                s = socket.socket()
                s.bind((address, 0))
            s.listen(16)
            os.dup2(s.fileno(), target)
            os.set_inheritable(target, True)
            os.environ.update(LISTEN_FDS=count, LISTEN_PID=str(os.getpid()), LISTEN_FDNAMES='door.socket')
            os.execvp(sys.argv[4], sys.argv[4:])
            """;

    /** Prints what it is told, and at READY what a client gets that connects at that very moment. */
    private static final String NOTIFIED = """
            import socket, sys
            told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            told.bind(sys.argv[1])
            print('bound', flush=True)
            stopping = False
            while True:
                for line in told.recv(4096).decode().splitlines():
                    if line == 'BARRIER=1': # systemd-notify waits until this was received
                        if stopping:
                            sys.exit()
                        continue
                    print(line, flush=True)
                    stopping = line == 'STOPPING=1'
                    if line == 'READY=1':
                        client = socket.socket(socket.AF_UNIX)
                        client.connect(sys.argv[2])
                        print(client.recv(8).decode(), flush=True)
                        client.close()
            """;

    @TempDir
    Path directory;

    private List<String> handOver(String address, int descriptor, int count, String... launcher) {
        List<String> command =
                new ArrayList<>(List.of("python3", "-c", HAND_OVER, address, "" + descriptor, "" + count));
        command.addAll(List.of(launcher));
        return command;
    }

    @Test
    @Needs("python3")
    void aListeningTcpSocketIsTakenOverFromStandardInput() throws Exception {
        try (ServeProcess server = new ServeProcess(directory, "memory:").volume("disk", "1M")) {
            server.launchedBy(handOver("127.0.0.1", 0, 1)).start();
            assertTrue(server.log().contains("taking over the socket door.socket"), server::log);
            Matcher addresses =
                    Pattern.compile("listening at 127\\.0\\.0\\.1:([0-9]+)").matcher(server.log());
            assertTrue(addresses.find(), server::log);
            assertGreets(Integer.parseInt(addresses.group(1)));
            assertTrue(addresses.find(), "beside the one that --listen names");
            server.stop();
        }
    }

    private static void assertGreets(int port) throws IOException {
        try (Socket client = new Socket(InetAddress.getLoopbackAddress(), port)) {
            assertEquals("NBDMAGIC", new String(client.getInputStream().readNBytes(8), StandardCharsets.US_ASCII));
        }
    }

    /** By the lines that tools/fdb-nbd has for it, as the shell that becomes the JVM. */
    @Test
    @Needs("python3")
    void aListeningUnixSocketIsMovedToStandardInputAndItsFileIsLeftAlone() throws Exception {
        Path socket = directory.resolve("handed-over");
        String launcher = "source tools/lib/launch.sh; take_handed_over_socket; exec \"$@\"";
        try (ServeProcess server = new ServeProcess(directory, "memory:").volume("disk", "1M")) {
            server.launchedBy(handOver(socket.toString(), 3, 1, "bash", "-c", launcher, "bash"))
                    .start();
            assertTrue(server.log().contains("listening at unix:" + socket + "\n"), server::log);
            try (SocketChannel client = SocketChannel.open(StandardProtocolFamily.UNIX)) {
                client.connect(UnixDomainSocketAddress.of(socket));
            }
            server.stop();
            assertTrue(Files.exists(socket), "it is systemd's");
        }
    }

    @Test
    @Needs("python3")
    void whatCannotBeTakenIsSaid() throws Exception {
        assertRefused(handOver("127.0.0.1", 3, 1), "put StandardInput=socket into the .service unit");
        assertRefused(handOver("127.0.0.1", 0, 2), "systemd hands over 2 sockets");
    }

    private void assertRefused(List<String> launcher, String reason) {
        ServeProcess server = new ServeProcess(directory, "memory:").launchedBy(launcher);
        Programs.Run run = Programs.tryRun(new ProcessBuilder(server.command()));
        assertEquals(1, run.exitCode(), run::toString);
        assertTrue(run.output().contains(reason), run::toString);
    }

    @Test
    void theSocketOfAnotherProcessIsLeftAloneAndThatIsSaid() throws Exception {
        try (ServeProcess server = new ServeProcess(directory, "memory:").volume("disk", "1M")) {
            server.launchedBy(List.of("env", "LISTEN_FDS=1", "LISTEN_PID=1")).start();
            assertTrue(server.log().contains("LISTEN_FDS is for process 1 (LISTEN_PID), and this one is"), server::log);
            assertGreets(server.port());
        }
    }

    @Test
    @Needs({"python3", "systemd-notify"})
    void systemdIsToldWhenItServesAndWhenItStops() throws Exception {
        Path notify = directory.resolve("notify");
        Path told = directory.resolve("told");
        try (ServeProcess server = new ServeProcess(directory, "memory:").volume("disk", "1M")) {
            Process listener = new ProcessBuilder(
                            "python3",
                            "-c",
                            NOTIFIED,
                            notify.toString(),
                            server.socket().toString())
                    .redirectErrorStream(true)
                    .redirectOutput(told.toFile())
                    .start();
            try {
                while (!Files.exists(notify)) {
                    assertTrue(listener.isAlive(), () -> "it ended");
                    Thread.onSpinWait();
                }
                server.launchedBy(List.of("env", "NOTIFY_SOCKET=" + notify)).start();
                assertTrue(server.await(SECONDS_MAX, () -> read(told).contains("NBDMAGIC")), () -> read(told));
                server.stop();
                assertTrue(listener.waitFor(SECONDS_MAX, TimeUnit.SECONDS), () -> read(told));
                assertEquals(List.of("bound", "READY=1", "NBDMAGIC", "STOPPING=1"), Files.readAllLines(told));
            } finally {
                listener.destroyForcibly();
            }
        }
    }

    /** A line that systemd does not know is left out by it, and the unit started without what it was for. */
    @Test
    @Needs("systemd-analyze")
    void systemdHasNothingToSayAgainstTheUnits() throws IOException {
        List<Object> arguments = new ArrayList<>(List.of("verify", "--man=no"));
        for (String unit : List.of("fdb-nbd.service", "fdb-nbd.socket")) {
            // It looks whether the program is there.
            String text = Files.readString(UNITS.resolve(unit)).replace("=/usr/bin/fdb-nbd ", "=" + program() + " ");
            arguments.add(Files.writeString(directory.resolve(unit), text));
        }
        Programs.Run run = Programs.tryRun("systemd-analyze", arguments.toArray());
        assertEquals(0, run.exitCode(), run::toString);
        // Of the units that ours want to follow it may say anything.
        assertFalse(run.output().contains("fdb-nbd"), run::toString);
    }

    private static Path program() {
        return Path.of("tools/fdb-nbd").toAbsolutePath();
    }

    @Test
    @Needs("systemd-analyze")
    void theServiceIsKeptFromWhatItDoesNotNeed() {
        Programs.Run run = Programs.tryRun(
                "systemd-analyze",
                "security",
                "--offline=yes",
                "--no-pager",
                "--threshold=" + EXPOSURE_MAX,
                UNITS.resolve("fdb-nbd.service"));
        assertEquals(0, run.exitCode(), run::toString);
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            return e.toString();
        }
    }
}
