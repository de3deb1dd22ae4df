package io.fdbnbd.cli;

import java.io.File;
import java.io.IOException;
import java.nio.channels.Channel;
import java.nio.channels.ServerSocketChannel;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.tinylog.Logger;

/**
 * What systemd hands to a service, and wants to be told by it ({@code sd_listen_fds(3)}, {@code sd_notify(3)}); others
 * that start services do the same. Without its variables nothing here does anything.
 */
final class Systemd {
    private static final int NOTIFY_SECONDS_MAX = 5;

    private final Map<String, String> environment;

    Systemd(Map<String, String> environment) {
        this.environment = environment;
    }

    /**
     * The socket that listens already, as standard input: a JVM can take no other descriptor.
     *
     * @return null if none was handed over
     * @throws IOException if it cannot be taken; the message says what to do, for the user
     */
    @Nullable
    ServerSocketChannel handedOver() throws IOException {
        String count = environment.get("LISTEN_FDS");
        String pid = environment.get("LISTEN_PID");
        if (count == null) {
            return null;
        }
        long ownPid = ProcessHandle.current().pid();
        if (!Long.toString(ownPid).equals(pid)) {
            Logger.warn(
                    "no socket is taken over: LISTEN_FDS is for process {} (LISTEN_PID), and this one is {}; where a"
                            + " script is in between, let it end with exec",
                    pid,
                    ownPid);
            return null;
        }
        if (!count.equals("1")) {
            throw new IOException("systemd hands over " + count + " sockets (LISTEN_FDS), and this program can take"
                    + " one: leave one Listen line in the .socket unit, and add the others by --listen");
        }
        Channel channel = System.inheritedChannel();
        if (channel instanceof ServerSocketChannel listening) {
            Logger.info("taking over the socket {}", environment.getOrDefault("LISTEN_FDNAMES", "on standard input"));
            return listening;
        }
        if (channel != null) {
            channel.close();
            throw new IOException("the socket on standard input is not one that listens for connections: the .socket"
                    + " unit must have ListenStream=, and Accept=no");
        }
        throw new IOException("systemd hands over a socket, but not on standard input, and a JVM can take it nowhere"
                + " else: put StandardInput=socket into the .service unit, or start tools/fdb-nbd, which moves it");
    }

    /** The server can be reached. */
    void ready() {
        tell("READY=1");
    }

    /** The server is about to end. */
    void stopping() {
        tell("STOPPING=1");
    }

    /** By a program of systemd's own: the JDK has no datagram sockets in the file system. */
    private void tell(String state) {
        if (environment.getOrDefault("NOTIFY_SOCKET", "").isEmpty()) {
            return;
        }
        ProcessBuilder command = new ProcessBuilder("systemd-notify", state).inheritIO();
        command.redirectInput(ProcessBuilder.Redirect.from(new File("/dev/null")));
        try {
            Process process = command.start();
            if (!process.waitFor(NOTIFY_SECONDS_MAX, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                Logger.warn("systemd-notify {} took more than {} s and was ended", state, NOTIFY_SECONDS_MAX);
            } else if (process.exitValue() != 0) {
                Logger.warn("systemd-notify {} failed, for the reason that it has printed", state);
            }
        } catch (IOException e) {
            Logger.warn("systemd is not told {}: {}; install systemd-notify, or use Type=exec", state, e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
