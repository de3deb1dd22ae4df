package io.fdbnbd.endtoend;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.zip.CRC32C;

/**
 * What a written sector holds: which operation wrote it, where it belongs, and a checksum over all of it. So a sector
 * that is torn, or in the wrong place, or anybody's but a writer's, is seen for what it is.
 */
final class Stamp {
    static final int SECTOR_BYTES = 512;
    static final long ZEROES = 0;
    static final long DAMAGED = -1;

    private static final int CHECKSUM_AT = SECTOR_BYTES - Long.BYTES;
    private static final byte[] ALL_ZERO = new byte[SECTOR_BYTES];
    private static final long GOLDEN = 0x9e37_79b9_7f4a_7c15L;

    private Stamp() {}

    /** Writes a sector to {@code at} in {@code data}; half of them compress well. */
    static void put(byte[] data, int at, long operation, long sector) {
        ByteBuffer buffer = ByteBuffer.wrap(data, at, SECTOR_BYTES);
        buffer.putLong(operation).putLong(sector);
        long filler = (operation * 31 + sector) * GOLDEN;
        while (buffer.position() < at + CHECKSUM_AT) {
            if (operation % 2 == 0) {
                filler ^= filler << 13;
                filler ^= filler >>> 7;
                filler ^= filler << 17;
            }
            buffer.putLong(filler);
        }
        buffer.putLong(checksum(data, at));
    }

    /** The operation that wrote the sector at {@code at}, or {@link #ZEROES}, or {@link #DAMAGED}. */
    static long operation(byte[] data, int at, long sector) {
        if (Arrays.equals(data, at, at + SECTOR_BYTES, ALL_ZERO, 0, SECTOR_BYTES)) {
            return ZEROES;
        }
        ByteBuffer buffer = ByteBuffer.wrap(data, at, SECTOR_BYTES);
        long operation = buffer.getLong();
        boolean good =
                operation > 0 && buffer.getLong() == sector && buffer.getLong(at + CHECKSUM_AT) == checksum(data, at);
        return good ? operation : DAMAGED;
    }

    private static long checksum(byte[] data, int at) {
        CRC32C crc = new CRC32C();
        crc.update(data, at, CHECKSUM_AT);
        return crc.getValue();
    }
}
