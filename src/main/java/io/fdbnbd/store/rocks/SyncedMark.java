package io.fdbnbd.store.rocks;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.zip.CRC32C;

/**
 * Remembers up to which sequence number the write-ahead log was synced. RocksDB's recovery ends at the first damaged
 * record of the log and drops the rest without a word, which is right for what was not synced; a database that comes
 * back with less than this mark has lost what was promised.
 *
 * <p>The file itself is not synced, which would cost as much as the sync it tells of. So after a loss of power it may
 * be older than the last sync, and then vouches for less; it never claims too much.
 */
final class SyncedMark implements AutoCloseable {
    private static final String FILE_NAME = "fdb-nbd.synced";
    private static final int MARK_BYTES = 2 * Long.BYTES;

    private final FileChannel file;
    private final ByteBuffer mark = ByteBuffer.allocate(MARK_BYTES);

    SyncedMark(Path directory) throws IOException {
        file = FileChannel.open(directory.resolve(FILE_NAME), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    }

    /** The mark in a directory; 0 if there is none, or none that is whole. */
    static long read(Path directory) throws IOException {
        Path path = directory.resolve(FILE_NAME);
        if (!Files.exists(path)) {
            return 0;
        }
        ByteBuffer mark = ByteBuffer.wrap(Files.readAllBytes(path));
        if (mark.remaining() != MARK_BYTES) {
            return 0;
        }
        long sequence = mark.getLong();
        return mark.getLong() == checksum(sequence) ? sequence : 0;
    }

    /** Called by one thread at a time, after a sync that covered {@code sequence}. */
    void write(long sequence) throws IOException {
        mark.clear().putLong(sequence).putLong(checksum(sequence)).flip();
        file.write(mark, 0);
    }

    private static long checksum(long sequence) {
        CRC32C crc = new CRC32C();
        crc.update(ByteBuffer.allocate(Long.BYTES).putLong(sequence).flip());
        return crc.getValue();
    }

    @Override
    public void close() throws IOException {
        file.close();
    }
}
