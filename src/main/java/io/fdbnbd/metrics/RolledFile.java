package io.fdbnbd.metrics;

import static io.fdbnbd.util.Checks.checkArgument;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/**
 * A file that is written at its end only and never grows beyond a limit: then it is renamed to {@code FILE.1}, what had
 * that name to {@code FILE.2} and so on, the last is removed, and an empty one begins. What is there at the start is
 * renamed likewise. Not safe for several threads.
 */
final class RolledFile implements AutoCloseable {
    private final Path file;
    private final long bytesMax;
    private final int filesMax;
    private FileChannel channel;

    /**
     * Begins an empty file.
     *
     * @param bytesMax of each file
     * @param filesMax how many there are at most, with the one that is written
     */
    RolledFile(Path file, long bytesMax, int filesMax) throws IOException {
        checkArgument(bytesMax > 0 && filesMax > 0, "limits must be positive");
        this.file = file;
        this.bytesMax = bytesMax;
        this.filesMax = filesMax;
        this.channel = begin();
    }

    /** Whether this many bytes belong into the next file. An empty file takes anything. */
    boolean isFullFor(int bytes) throws IOException {
        return channel.size() > 0 && channel.size() + bytes > bytesMax;
    }

    boolean isEmpty() throws IOException {
        return channel.size() == 0;
    }

    void roll() throws IOException {
        channel.close();
        channel = begin();
    }

    /** Adds all of {@code bytes} or, if that fails, nothing. A kill of the process does not undo it. */
    void append(byte[] bytes) throws IOException {
        long end = channel.size();
        ByteBuffer left = ByteBuffer.wrap(bytes);
        try {
            while (left.hasRemaining()) {
                channel.write(left);
            }
        } catch (IOException e) {
            channel.truncate(end); // and stands there
            throw e;
        }
    }

    private FileChannel begin() throws IOException {
        if (Files.exists(file) && Files.size(file) > 0) {
            for (int number = filesMax - 1; number > 0; number--) {
                Path older = number == 1 ? file : numbered(number - 1);
                if (Files.exists(older)) {
                    Files.move(older, numbered(number), StandardCopyOption.REPLACE_EXISTING);
                }
            }
        }
        return FileChannel.open(
                file, StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING, StandardOpenOption.WRITE);
    }

    private Path numbered(int number) {
        return file.resolveSibling(file.getFileName() + "." + number);
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
