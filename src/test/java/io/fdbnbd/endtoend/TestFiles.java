package io.fdbnbd.endtoend;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Random;

/** Files to copy from. */
final class TestFiles {
    private static final int PIECE_BYTES = 64 << 10;

    private TestFiles() {}

    /** A file in which one in {@code every} pieces of 64 KiB is random and the others are holes. */
    static Path create(Path directory, long bytes, long seed, int every) throws IOException {
        Path path = Files.createTempFile(directory, "file-", ".raw");
        Random random = new Random(seed);
        byte[] piece = new byte[PIECE_BYTES];
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.WRITE)) {
            for (long at = 0; at < bytes; at += PIECE_BYTES) {
                if (random.nextInt(every) == 0 || at + PIECE_BYTES >= bytes) {
                    random.nextBytes(piece);
                    channel.write(ByteBuffer.wrap(piece, 0, (int) Math.min(PIECE_BYTES, bytes - at)), at);
                }
            }
        }
        return path;
    }
}
