package io.fdbnbd.server;

import io.fdbnbd.util.UnixSockets;
import java.io.IOException;
import java.net.BindException;
import java.net.ConnectException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.tinylog.Logger;

/**
 * Where a unix socket lies: how its file comes there, and how it goes.
 *
 * <p>The system makes the file before the socket listens, and with the mode of any new file. Whoever looks in between
 * takes it for a dead one, or connects without a right to. So it is made in a directory where nobody else can go, and
 * appears at its place, which must be free, when it listens and has its owner and mode.
 */
final class SocketPlace {
    private static final String NAME_WHILE_MADE = "s";
    private static final String NAME_OF_DEAD = "d";
    private static final int DIRECTORY_NAME_CHARS_MAX = 10;
    private static final int DIRECTORY_ATTEMPTS_MAX = 100;
    private static final FileAttribute<Set<PosixFilePermission>> OWN =
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));

    private final Path path;

    /** What tells our file from one that somebody else has put there since. */
    private final Object fileKey;

    private SocketPlace(Path path, Object fileKey) {
        this.path = path;
        this.fileKey = fileKey;
    }

    /**
     * Lets {@code channel} listen there. What a server has left there that listens no more is removed.
     *
     * @throws BindException if somebody else listens there, or the place has a file that is no socket
     */
    static SocketPlace take(ServerSocketChannel channel, ListenAddress.Unix wanted, int backlog) throws IOException {
        Path place = wanted.path();
        Path own = createOwnDirectory(place);
        Path made = own.resolve(NAME_WHILE_MADE);
        try {
            if (isDead(place)) {
                removeDead(place, own.resolve(NAME_OF_DEAD));
            }
            channel.bind(UnixDomainSocketAddress.of(made), backlog);
            if (!wanted.file().isPlain()) {
                wanted.file().applyTo(made);
            }
            Object key = Objects.requireNonNull(fileKey(made));
            Files.createLink(place, made);
            return new SocketPlace(place, key);
        } catch (FileAlreadyExistsException e) {
            throw inUse(place);
        } finally {
            Files.deleteIfExists(made);
            Files.delete(own);
        }
    }

    /** Beside the place, and of a name so short that the path of what is made there is not too long for a socket. */
    private static Path createOwnDirectory(Path place) throws IOException {
        int parentBytes = UnixSockets.bytes(place) - UnixSockets.bytes(place.getFileName());
        int room = UnixSockets.PATH_BYTES_MAX - parentBytes - ("/" + NAME_WHILE_MADE).length();
        if (room < 1) {
            throw new IOException("the path leaves no room for the name that the socket has until it listens: use a"
                    + " directory with a shorter path");
        }
        SecureRandom random = new SecureRandom();
        for (int i = 0; i < DIRECTORY_ATTEMPTS_MAX; i++) {
            StringBuilder name = new StringBuilder(room > 1 ? "." : "");
            while (name.length() < Math.min(room, DIRECTORY_NAME_CHARS_MAX)) {
                name.append(Character.forDigit(random.nextInt(Character.MAX_RADIX), Character.MAX_RADIX));
            }
            Path own = place.resolveSibling(name.toString());
            if (own.equals(place)) {
                continue;
            }
            try {
                return Files.createDirectory(own, OWN);
            } catch (FileAlreadyExistsException e) {
                Logger.trace("{} is taken", name);
            } catch (NoSuchFileException e) {
                throw new IOException("its directory does not exist: create it, or use another path", e);
            } catch (AccessDeniedException e) {
                throw new IOException(
                        "this user may make no files in its directory: change its mode, or use another path", e);
            } catch (FileSystemException e) {
                throw new IOException("no file can be made in its directory: " + e.getReason(), e);
            }
        }
        throw new IOException("all short names in its directory are taken: use a directory with a shorter path");
    }

    /** Whether a socket lies there that nobody listens to; files of other kinds are nobody's to remove. */
    private static boolean isDead(Path path) throws IOException {
        if (!isSocket(path)) {
            return false;
        }
        try (SocketChannel probe = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            probe.configureBlocking(false); // one that is too busy to accept is alive
            probe.connect(UnixDomainSocketAddress.of(path));
            return false;
        } catch (ConnectException e) {
            return true;
        } catch (IOException e) {
            Logger.debug("{} is taken for alive: {}", path, e.getMessage());
            return false;
        }
    }

    /**
     * Removes a socket that was found dead. Another server may have found it too, have removed it and be listening there
     * by now: so it is moved away first, which one of them can do, and put back if it turns out to be alive.
     *
     * @param moved where only this process goes
     * @throws BindException if somebody listens there
     */
    static void removeDead(Path path, Path moved) throws IOException {
        try {
            Files.move(path, moved);
        } catch (NoSuchFileException e) {
            return;
        }
        boolean dead = isDead(moved);
        if (!dead) {
            Files.createLink(path, moved);
        }
        Files.delete(moved);
        if (!dead) {
            throw inUse(path);
        }
        Logger.info("removed {}, which a server had left behind", path);
    }

    private static boolean isSocket(Path path) throws IOException {
        BasicFileAttributes attributes = attributes(path);
        return attributes != null && attributes.isOther();
    }

    private static BindException inUse(Path path) throws IOException {
        return new BindException(
                isSocket(path)
                        ? "another server listens there already: stop it, or use another path"
                        : "there is a file that is no socket: use another path");
    }

    /** Removes the socket, unless it is another server's by now. */
    void leave() throws IOException {
        if (Objects.equals(fileKey, fileKey(path))) {
            Files.deleteIfExists(path);
        }
    }

    private static @Nullable Object fileKey(Path path) throws IOException {
        BasicFileAttributes attributes = attributes(path);
        return attributes == null ? null : attributes.fileKey();
    }

    /** Of the file itself, where it is a link; null if there is none. */
    private static @Nullable BasicFileAttributes attributes(Path path) throws IOException {
        try {
            return Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
        } catch (NoSuchFileException e) {
            return null;
        }
    }
}
