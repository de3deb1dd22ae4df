package io.fdbnbd.store.rocks;

import static io.fdbnbd.util.Checks.check;

import io.fdbnbd.store.Batch;
import io.fdbnbd.store.StoreException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * Writes a batch as RocksDB writes it to its log, so that it crosses into native code in one call instead of one an
 * operation: 8 bytes of sequence number (filled in by RocksDB), 4 bytes with the count of records, little endian; then
 * records of one type byte and one or two strings, each with its length as a varint before it.
 */
final class WriteBatchEncoder implements Batch.Operations {
    private static final byte TYPE_DELETION = 0x0;
    private static final byte TYPE_VALUE = 0x1;
    private static final byte TYPE_RANGE_DELETION = 0xf;

    private static final int COUNT_OFFSET = 8;
    private static final int HEADER_BYTES = 12;

    private static final VarHandle INT = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);

    private final byte[] bytes;
    private int length = HEADER_BYTES;

    private WriteBatchEncoder(int bytesMax) {
        bytes = new byte[bytesMax];
    }

    static byte[] encode(Batch batch) throws StoreException {
        Measure measure = new Measure();
        batch.forEach(measure);
        WriteBatchEncoder encoder = new WriteBatchEncoder(measure.bytes);
        INT.set(encoder.bytes, COUNT_OFFSET, batch.operationCount());
        batch.forEach(encoder);
        check(encoder.length == encoder.bytes.length, "the batch measured and the batch written differ");
        return encoder.bytes;
    }

    private static final class Measure implements Batch.Operations {
        private int bytes = HEADER_BYTES;

        @Override
        public void set(byte[] key, byte[] value) {
            bytes += 1 + stringBytes(key) + stringBytes(value);
        }

        @Override
        public void clear(byte[] key) {
            bytes += 1 + stringBytes(key);
        }

        @Override
        public void clearRange(byte[] begin, byte[] end) {
            bytes += 1 + stringBytes(begin) + stringBytes(end);
        }

        private static int stringBytes(byte[] string) {
            // 7 bits a byte, and at least one.
            int varintBytes = (Integer.SIZE - Integer.numberOfLeadingZeros(string.length | 1) + 6) / 7;
            return varintBytes + string.length;
        }
    }

    @Override
    public void set(byte[] key, byte[] value) {
        bytes[length++] = TYPE_VALUE;
        putString(key);
        putString(value);
    }

    @Override
    public void clear(byte[] key) {
        bytes[length++] = TYPE_DELETION;
        putString(key);
    }

    @Override
    public void clearRange(byte[] begin, byte[] end) {
        bytes[length++] = TYPE_RANGE_DELETION;
        putString(begin);
        putString(end);
    }

    private void putString(byte[] string) {
        int rest = string.length;
        while (rest >= 0x80) {
            bytes[length++] = (byte) (rest | 0x80);
            rest >>>= 7;
        }
        bytes[length++] = (byte) rest;
        System.arraycopy(string, 0, bytes, length, string.length);
        length += string.length;
    }
}
