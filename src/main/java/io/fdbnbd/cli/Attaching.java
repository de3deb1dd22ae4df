package io.fdbnbd.cli;

import io.fdbnbd.server.ListenAddress;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;

/** How clients get at a volume: its URI, and command lines that can be pasted into a shell as they are. */
final class Attaching {
    private static final String UNRESERVED = "-._~";
    private static final String SHELL_PLAIN = "-._~/:=,+%@";

    private Attaching() {}

    /** @param tls whether the server serves nobody without */
    static String uri(ListenAddress address, String volume, boolean tls) {
        String scheme = tls ? "nbds" : "nbd";
        return switch (address) {
            case ListenAddress.Tcp tcp ->
                scheme + "://" + new ListenAddress.Tcp(reachable(tcp), tcp.port()) + "/" + escaped(volume, "");
            case ListenAddress.Unix unix ->
                scheme + "+unix:///" + escaped(volume, "") + "?socket="
                        + escaped(unix.path().toAbsolutePath().toString(), "/");
        };
    }

    static String nbdClient(ListenAddress address, String volume, boolean tls) {
        String secure = tls ? " -cacertfile CA.pem" : "";
        String name = "nbd-client -N " + quoted(volume) + " ";
        return switch (address) {
            case ListenAddress.Tcp tcp -> name + reachable(tcp) + " " + tcp.port() + " /dev/nbd0" + secure;
            case ListenAddress.Unix unix ->
                name + "-unix " + quoted(unix.path().toAbsolutePath().toString()) + " /dev/nbd0" + secure;
        };
    }

    /** QEMU takes no URI with TLS. */
    static String qemu(ListenAddress address, String volume, boolean tls) {
        if (!tls) {
            return "-drive " + quoted("file=" + uri(address, volume, false) + ",format=raw,if=virtio");
        }
        String server = switch (address) {
            case ListenAddress.Tcp tcp ->
                "server.type=inet,server.host=" + reachable(tcp) + ",server.port=" + tcp.port();
            case ListenAddress.Unix unix ->
                "server.type=unix,server.path="
                        + commasDoubled(unix.path().toAbsolutePath().toString());
        };
        return "-object tls-creds-x509,id=tls,endpoint=client,dir=DIRECTORY_OF_CA -drive "
                + quoted("driver=nbd," + server + ",export=" + commasDoubled(volume) + ",tls-creds=tls,if=virtio");
    }

    private static String commasDoubled(String text) {
        return text.replace(",", ",,");
    }

    /** Whether only this machine can connect. */
    static boolean isLocal(ListenAddress address) throws UnknownHostException {
        return !(address.resolve() instanceof InetSocketAddress socket)
                || socket.getAddress().isLoopbackAddress();
    }

    // Nobody can connect to the address that means all addresses; from this machine the loopback is one of them.
    private static String reachable(ListenAddress.Tcp tcp) {
        try {
            if (tcp.resolve().getAddress().isAnyLocalAddress()) {
                return tcp.host().indexOf(':') >= 0
                        ? "::1"
                        : InetAddress.getByAddress(new byte[] {127, 0, 0, 1}).getHostAddress();
            }
        } catch (UnknownHostException e) {
            return tcp.host();
        }
        return tcp.host();
    }

    /** A part of a URI; {@code plain} lists characters that stand for themselves besides those that always do. */
    private static String escaped(String text, String plain) {
        StringBuilder escaped = new StringBuilder();
        for (byte unit : text.getBytes(StandardCharsets.UTF_8)) {
            char c = (char) (unit & 0xff);
            if (isAsciiLetterOrDigit(c) || UNRESERVED.indexOf(c) >= 0 || plain.indexOf(c) >= 0) {
                escaped.append(c);
            } else {
                escaped.append('%').append(String.format("%02X", (int) c));
            }
        }
        return escaped.toString();
    }

    /** One word for a POSIX shell. */
    static String quoted(String text) {
        boolean plain = !text.isEmpty()
                && text.chars().allMatch(c -> isAsciiLetterOrDigit((char) c) || SHELL_PLAIN.indexOf(c) >= 0);
        return plain && !text.startsWith("~") ? text : "'" + text.replace("'", "'\\''") + "'";
    }

    private static boolean isAsciiLetterOrDigit(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    }
}
