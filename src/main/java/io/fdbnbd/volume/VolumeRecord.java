package io.fdbnbd.volume;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.zip.CRC32C;

/**
 * A volume's record as bytes: version(2) size(8) block size(4) compression(1) created, ms(8) layer(4) CRC32C(4) of the
 * name and all before. The name is the key's.
 */
final class VolumeRecord {

    static final int VERSION = 1;

    private static final int BODY_BYTES = 2 + 8 + 4 + 1 + 8 + 4;
    private static final int RECORD_BYTES = BODY_BYTES + Integer.BYTES;

    private VolumeRecord() {}

    static byte[] encode(VolumeInfo info) {
        ByteBuffer out = ByteBuffer.allocate(RECORD_BYTES)
                .putShort((short) VERSION)
                .putLong(info.sizeBytes())
                .putInt(info.blockBytes())
                .put((byte) info.compression().code())
                .putLong(info.created().toEpochMilli())
                .putInt(info.layer());
        return out.putInt(checksum(info.name().getBytes(StandardCharsets.UTF_8), out.array()))
                .array();
    }

    /** The record under a name; throws FUTURE_FORMAT or DAMAGED. */
    static VolumeInfo decode(byte[] name, byte[] value) throws VolumeException {
        String text = new String(name, StandardCharsets.UTF_8);
        ByteBuffer in = ByteBuffer.wrap(value);
        if (value.length >= Short.BYTES && Short.toUnsignedInt(in.getShort(0)) > VERSION) {
            throw new VolumeException(
                    VolumeException.Kind.FUTURE_FORMAT,
                    "volume '" + text + "' was written by a newer fdb-nbd (record version "
                            + Short.toUnsignedInt(in.getShort(0)) + "): use that one");
        }
        if (value.length != RECORD_BYTES || in.getInt(BODY_BYTES) != checksum(name, value)) {
            throw damaged(text);
        }
        if (in.getShort() != VERSION) {
            throw damaged(text);
        }
        try {
            VolumeInfo info = new VolumeInfo(
                    text,
                    in.getLong(),
                    in.getInt(),
                    Compression.ofCode(in.get()),
                    Instant.ofEpochMilli(in.getLong()),
                    in.getInt());
            new VolumeSpec(info.name(), info.sizeBytes(), info.blockBytes(), info.compression()).validate();
            return info;
        } catch (IllegalArgumentException | VolumeException e) {
            throw damaged(text);
        }
    }

    private static VolumeException damaged(String name) {
        return new VolumeException(
                VolumeException.Kind.DAMAGED,
                "the record of volume '" + name + "' is damaged: restore the store from a backup");
    }

    private static int checksum(byte[] name, byte[] record) {
        CRC32C crc = new CRC32C();
        crc.update(name);
        crc.update(record, 0, BODY_BYTES);
        return (int) crc.getValue();
    }
}
