package io.fdbnbd.tls;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Where the server's identity lies, all in PEM.
 *
 * @param certificate the server's, followed by those between it and one that clients trust
 * @param key what belongs to the first certificate
 * @param authorities who vouches for clients: with it a client has to show a certificate; null to ask for none
 */
public record TlsFiles(Path certificate, Path key, @Nullable Path authorities) {

    /** What tells that a file is another one than before. A symbolic link counts as what it points to. */
    private record Mark(String time, long bytes, String key) {}

    /** Equal to what an earlier call returned if no file was written or replaced in between. Never fails. */
    Object mark() {
        List<Object> marks = new ArrayList<>();
        marks.add(mark(certificate));
        marks.add(mark(key));
        if (authorities != null) {
            marks.add(mark(authorities));
        }
        return marks;
    }

    private static Object mark(Path file) {
        try {
            BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
            return new Mark(
                    attributes.lastModifiedTime().toString(), attributes.size(), String.valueOf(attributes.fileKey()));
        } catch (IOException e) {
            return e.toString();
        }
    }
}
