package io.fdbnbd.volume;

import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * Every key of the on-store format, version 2, and nothing else builds one. A kind byte first, then numbers big-endian,
 * so that keys order as the numbers do.
 *
 * <pre>
 * 'F'                          format: "fdb-nbd" and the version
 * 'N'                          next free layer number
 * 'V' name                     a volume's record
 * 'O' layer(4)                 a volume's owner: session(16) epoch(8) and who that is, as text
 * 'L' layer(4)                 its lease, on shared stores: session(16) beat(8)
 * 'S' layer(4)                 while it may hold answered writes that are not durable: its owner key's value
 * 'D' layer(4) block(8)        a block; absent: zeroes
 * 'M' layer(4) page(8)         which blocks of a page have a key: see {@link AllocationMap}; absent: none
 * </pre>
 *
 */
final class Keys {

    static final int DATA_KEY_BYTES = 1 + Integer.BYTES + Long.BYTES;
    static final int MAP_KEY_BYTES = DATA_KEY_BYTES;

    private static final int BLOCK_OFFSET = 1 + Integer.BYTES;

    private Keys() {}

    static byte[] format() {
        return new byte[] {'F'};
    }

    static byte[] nextLayer() {
        return new byte[] {'N'};
    }

    static byte[] volume(byte[] name) {
        byte[] key = new byte[1 + name.length];
        key[0] = 'V';
        System.arraycopy(name, 0, key, 1, name.length);
        return key;
    }

    /** Begin of all volume records. */
    static byte[] volumesBegin() {
        return new byte[] {'V'};
    }

    /** End (excluded) of all volume records. */
    static byte[] volumesEnd() {
        return new byte[] {'V' + 1};
    }

    static byte[] nameOf(byte[] volumeKey) {
        return Arrays.copyOfRange(volumeKey, 1, volumeKey.length);
    }

    static byte[] owner(int layer) {
        return ofLayer('O', layer);
    }

    static byte[] lease(int layer) {
        return ofLayer('L', layer);
    }

    static byte[] mark(int layer) {
        return ofLayer('S', layer);
    }

    static byte[] data(int layer, long block) {
        return ofNumber('D', layer, block);
    }

    /** A page of the allocation map. */
    static byte[] map(int layer, long page) {
        return ofNumber('M', layer, page);
    }

    static long pageOf(byte[] mapKey) {
        return blockOf(mapKey);
    }

    /** Begin of all data keys of a layer, well-formed or not. */
    static byte[] dataBegin(int layer) {
        return ofLayer('D', layer);
    }

    /** End (excluded) of all data keys of a layer, well-formed or not. */
    static byte[] dataEnd(int layer) {
        return ofLayer('D', layer + 1);
    }

    static long blockOf(byte[] dataKey) {
        return ByteBuffer.wrap(dataKey).getLong(BLOCK_OFFSET);
    }

    private static byte[] ofNumber(char kind, int layer, long number) {
        return ByteBuffer.allocate(DATA_KEY_BYTES)
                .put((byte) kind)
                .putInt(layer)
                .putLong(number)
                .array();
    }

    private static byte[] ofLayer(char kind, int layer) {
        return ByteBuffer.allocate(1 + Integer.BYTES)
                .put((byte) kind)
                .putInt(layer)
                .array();
    }
}
