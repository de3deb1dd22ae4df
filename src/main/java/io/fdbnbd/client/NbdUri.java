package io.fdbnbd.client;

import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.UnixDomainSocketAddress;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * An export of a server, as the NBD URI specification writes it: {@code nbd://HOST[:PORT]/EXPORT} or
 * {@code nbd+unix:///EXPORT?socket=PATH}.
 *
 * @param socket of the server, if it is reached through the file system; else null
 * @param host empty with a socket
 * @param export the default export if empty
 */
public record NbdUri(String text, @Nullable Path socket, String host, int port, String export) {
    private static final int PORT_DEFAULT = 10809;
    private static final int PORT_MAX = 0xffff;
    private static final String SOCKET_PARAMETER = "socket=";

    /**
     * Reads an address.
     *
     * @throws IllegalArgumentException if it is none; the message says what is accepted and is fit to show to the user
     */
    public static NbdUri parse(String text) {
        URI uri;
        try {
            // As nbdkit writes the default export.
            uri = new URI(text.replaceFirst("^nbd\\+unix://\\?", "nbd+unix:///?"));
        } catch (URISyntaxException e) {
            throw refused(text, "is not an address of an NBD export");
        }
        String scheme = Objects.requireNonNullElse(uri.getScheme(), "");
        return switch (scheme) {
            case "nbd" -> tcp(text, uri);
            case "nbd+unix" -> unix(text, uri);
            case "nbds", "nbds+unix" ->
                throw refused(text, "asks for TLS, which this command does not speak: connect without it");
            default -> throw refused(text, "is not an address of an NBD export");
        };
    }

    private static NbdUri tcp(String text, URI uri) {
        String host = uri.getHost();
        if (host == null || uri.getUserInfo() != null || uri.getPort() > PORT_MAX || uri.getPort() == 0) {
            throw refused(text, "names no server");
        }
        String bare = host.startsWith("[") ? host.substring(1, host.length() - 1) : host;
        return new NbdUri(text, null, bare, uri.getPort() < 0 ? PORT_DEFAULT : uri.getPort(), export(uri));
    }

    private static NbdUri unix(String text, URI uri) {
        String query = Objects.requireNonNullElse(uri.getRawQuery(), "");
        for (String parameter : query.split("&", -1)) {
            if (parameter.startsWith(SOCKET_PARAMETER) && parameter.length() > SOCKET_PARAMETER.length()) {
                // A & that is part of the path is escaped, and no end of it.
                String decoded = URI.create("?" + parameter).getQuery();
                Path path = Path.of(decoded.substring(SOCKET_PARAMETER.length()));
                return new NbdUri(text, path, "", 0, export(uri));
            }
        }
        throw refused(text, "names no socket");
    }

    private static String export(URI uri) {
        String path = Objects.requireNonNullElse(uri.getPath(), "");
        return path.isEmpty() ? "" : path.substring(1);
    }

    private static IllegalArgumentException refused(String text, String what) {
        return new IllegalArgumentException(
                "\"" + text + "\" " + what + ": write nbd://HOST[:PORT]/EXPORT or nbd+unix:///EXPORT?socket=PATH");
    }

    /**
     * Where to connect to.
     *
     * @throws UnknownHostException if the host has no address
     */
    public SocketAddress resolve() throws UnknownHostException {
        if (socket != null) {
            return UnixDomainSocketAddress.of(socket);
        }
        InetSocketAddress address = new InetSocketAddress(host, port);
        if (address.isUnresolved()) {
            throw new UnknownHostException("the host '" + host + "' has no address: check the name");
        }
        return address;
    }

    @Override
    public String toString() {
        return text;
    }
}
