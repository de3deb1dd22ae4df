package io.fdbnbd.server;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.GroupPrincipal;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.UserPrincipal;
import java.nio.file.attribute.UserPrincipalLookupService;
import java.nio.file.attribute.UserPrincipalNotFoundException;
import java.util.EnumSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Who may connect to a unix socket: Linux asks for the right to write to its file. What is null stays as the system sets
 * it for a new file.
 */
public record SocketFile(
        @Nullable Set<PosixFilePermission> mode,
        @Nullable UserPrincipal owner,
        @Nullable GroupPrincipal group) {

    /** As the mask of this process has it. */
    public static final SocketFile PLAIN = new SocketFile(null, null, null);

    /** The bits of a mode from its lowest on. */
    private static final PosixFilePermission[] BITS = {
        PosixFilePermission.OTHERS_EXECUTE,
        PosixFilePermission.OTHERS_WRITE,
        PosixFilePermission.OTHERS_READ,
        PosixFilePermission.GROUP_EXECUTE,
        PosixFilePermission.GROUP_WRITE,
        PosixFilePermission.GROUP_READ,
        PosixFilePermission.OWNER_EXECUTE,
        PosixFilePermission.OWNER_WRITE,
        PosixFilePermission.OWNER_READ
    };

    /**
     * Reads {@code 0660}.
     *
     * @throws IllegalArgumentException if it is no such mode; the message says what is accepted, for the user
     */
    public SocketFile withMode(String text) {
        if (!text.matches("0?[0-7]{3}")) {
            throw new IllegalArgumentException("\"" + text + "\" is not the mode of a socket: write it in octal, like"
                    + " 0660 for its owner and group");
        }
        int number = Integer.parseInt(text, 8);
        Set<PosixFilePermission> permissions = EnumSet.noneOf(PosixFilePermission.class);
        for (int bit = 0; bit < BITS.length; bit++) {
            if ((number & 1 << bit) != 0) {
                permissions.add(BITS[bit]);
            }
        }
        return new SocketFile(permissions, owner, group);
    }

    /**
     * Reads {@code USER}, {@code USER:GROUP} or {@code :GROUP}, by name or number.
     *
     * @param directory on the file system that is to know them
     * @throws IllegalArgumentException if it is none, or there is no such user or group; the message is for the user
     */
    public SocketFile withOwner(String text, Path directory) throws IOException {
        int colon = text.indexOf(':');
        String user = colon < 0 ? text : text.substring(0, colon);
        String ofGroup = colon < 0 ? "" : text.substring(colon + 1);
        if ((user.isBlank() && ofGroup.isBlank()) || (colon >= 0 && ofGroup.isBlank())) {
            throw new IllegalArgumentException(
                    "\"" + text + "\" is not the owner of a socket: write USER, USER:GROUP or :GROUP");
        }
        UserPrincipalLookupService known = directory.getFileSystem().getUserPrincipalLookupService();
        String sought = "user '" + user + "'";
        try {
            UserPrincipal wantedOwner = user.isEmpty() ? null : known.lookupPrincipalByName(user);
            sought = "group '" + ofGroup + "'";
            GroupPrincipal wantedGroup = ofGroup.isEmpty() ? null : known.lookupPrincipalByGroupName(ofGroup);
            return new SocketFile(mode, wantedOwner, wantedGroup);
        } catch (UserPrincipalNotFoundException e) {
            throw new IllegalArgumentException("this machine has no " + sought + ": check the name, or create it", e);
        }
    }

    boolean isPlain() {
        return equals(PLAIN);
    }

    /** @throws IOException if this process may not do that; the message says what, for the user */
    void applyTo(Path file) throws IOException {
        PosixFileAttributeView view =
                Files.getFileAttributeView(file, PosixFileAttributeView.class, LinkOption.NOFOLLOW_LINKS);
        if (view == null) {
            throw new IOException("the file system of " + file + " knows no owners and modes");
        }
        try {
            if (group != null) {
                view.setGroup(group);
            }
            if (owner != null) {
                view.setOwner(owner);
            }
        } catch (IOException e) {
            throw new IOException(
                    "the socket cannot be given to " + (owner == null ? "group " + group : owner)
                            + ": only root may give files away, and others to groups that they are in",
                    e);
        }
        if (mode != null) {
            // Not by the view, which would follow a link; nobody else has been in this directory.
            Files.setPosixFilePermissions(file, mode);
        }
    }
}
