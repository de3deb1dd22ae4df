package io.fdbnbd.volume;

import io.fdbnbd.util.SpareArrays;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Arrays of blocks that have committed, for those that are written next. Shared by all volumes of a process. Any thread.
 */
final class BlockArrays {

    /** Of all arrays that nobody uses: more than is between socket and store at most times. */
    private static final long BYTES_MAX = 8 << 20;

    private final ReentrantLock lock = new ReentrantLock();

    // Guarded by lock.
    private final SpareArrays spare = new SpareArrays(BYTES_MAX);

    /**
     * Copies out of {@code src}, whose position stays, the blocks that it covers whole, each behind room for a value's
     * header.
     *
     * @param offset where in the volume {@code src} belongs, which is not empty
     * @return an array for each block that it touches, null where it is not covered whole
     */
    byte[][] copyWhole(Geometry geometry, long offset, ByteBuffer src) {
        long first = geometry.blockAt(offset);
        int length = src.remaining();
        byte[][] whole = new byte[(int) (geometry.endBlock(offset, length) - first)][];
        // Only the first and the last may be covered in part.
        int from = geometry.coversWhole(first, offset, length) ? 0 : 1;
        int to = geometry.coversWhole(first + whole.length - 1, offset, length) ? whole.length : whole.length - 1;
        take(arrayBytes(geometry), whole, from, to);
        for (int i = from; i < to; i++) {
            long block = first + i;
            int bytes = geometry.contentBytes(block);
            src.get(
                    src.position() + (int) (geometry.offsetOf(block) - offset),
                    whole[i],
                    BlockCodec.HEADER_BYTES,
                    bytes);
            Arrays.fill(whole[i], BlockCodec.HEADER_BYTES + bytes, whole[i].length, (byte) 0);
        }
        return whole;
    }

    private static int arrayBytes(Geometry geometry) {
        return BlockCodec.HEADER_BYTES + geometry.blockBytes();
    }

    private void take(int length, byte[][] arrays, int from, int to) {
        int next = from;
        lock.lock();
        try {
            byte[] array = null;
            while (next < to && (array = spare.take(length)) != null) {
                arrays[next++] = array;
            }
        } finally {
            lock.unlock();
        }
        while (next < to) {
            arrays[next++] = new byte[length];
        }
    }

    /** Takes back arrays that nobody else knows any more. */
    void give(Iterable<byte[]> arrays) {
        lock.lock();
        try {
            arrays.forEach(spare::give);
        } finally {
            lock.unlock();
        }
    }
}
