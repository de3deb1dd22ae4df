package io.fdbnbd.server;

import java.net.Inet6Address;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.net.UnknownHostException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** Where the server listens, as people write it: {@code HOST:PORT}, {@code [::1]:PORT} or {@code unix:/path}. */
public sealed interface ListenAddress {

    int PORT_DEFAULT = 10809;
    int PORT_MAX = 0xffff;
    String UNIX_PREFIX = "unix:";

    /**
     * A port of a host.
     *
     * @param port 0 for any free one
     */
    record Tcp(String host, int port) implements ListenAddress {
        @Override
        public InetSocketAddress resolve() throws UnknownHostException {
            InetSocketAddress address = new InetSocketAddress(host, port);
            if (address.isUnresolved()) {
                throw new UnknownHostException("the host '" + host + "' has no address: check the name");
            }
            return address;
        }

        @Override
        public StandardProtocolFamily family() throws UnknownHostException {
            return resolve().getAddress() instanceof Inet6Address
                    ? StandardProtocolFamily.INET6
                    : StandardProtocolFamily.INET;
        }

        @Override
        public String toString() {
            return (host.indexOf(':') >= 0 ? "[" + host + "]" : host) + ":" + port;
        }
    }

    /**
     * A socket in the file system.
     *
     * @param file who may connect
     */
    record Unix(Path path, SocketFile file) implements ListenAddress {
        public Unix(Path path) {
            this(path, SocketFile.PLAIN);
        }

        @Override
        public SocketAddress resolve() {
            return UnixDomainSocketAddress.of(path);
        }

        @Override
        public StandardProtocolFamily family() {
            return StandardProtocolFamily.UNIX;
        }

        @Override
        public String toString() {
            return UNIX_PREFIX + path;
        }
    }

    SocketAddress resolve() throws UnknownHostException;

    StandardProtocolFamily family() throws UnknownHostException;

    /**
     * Reads an address as it is written above; without a port it is {@value #PORT_DEFAULT}.
     *
     * @throws IllegalArgumentException if it is no address; the message says what is accepted, for the user
     */
    static ListenAddress parse(String text) {
        if (text.startsWith(UNIX_PREFIX)) {
            try {
                Path path = Path.of(text.substring(UNIX_PREFIX.length()));
                if (path.getFileName() != null && !path.toString().isEmpty()) {
                    return new Unix(path);
                }
            } catch (InvalidPathException e) {
                throw notAnAddress(text, e);
            }
            throw notAnAddress(text, null);
        }
        int hostEnd = text.startsWith("[") ? text.indexOf(']') + 1 : text.indexOf(':');
        if (hostEnd < 0) {
            hostEnd = text.length();
        }
        String host = text.substring(0, hostEnd);
        if (host.startsWith("[") && host.endsWith("]")) {
            host = host.substring(1, host.length() - 1);
        }
        if (host.isBlank()) {
            throw notAnAddress(text, null);
        }
        String rest = text.substring(hostEnd);
        if (rest.isEmpty()) {
            return new Tcp(host, PORT_DEFAULT);
        }
        if (!rest.matches(":[0-9]{1,5}") || Integer.parseInt(rest.substring(1)) > PORT_MAX) {
            throw notAnAddress(text, null);
        }
        return new Tcp(host, Integer.parseInt(rest.substring(1)));
    }

    private static IllegalArgumentException notAnAddress(String text, @Nullable Throwable cause) {
        return new IllegalArgumentException(
                "\"" + text + "\" is not an address to listen at: write HOST:PORT (like 127.0.0.1:10809 or"
                        + " [::1]:10809) or unix:/path/to/socket",
                cause);
    }
}
