package io.fdbnbd.client;

import io.fdbnbd.nbd.Nbd;

/**
 * What a server has said of its export.
 *
 * @param flags transmission flags
 * @param blockBytesMin what offsets and lengths are multiples of
 * @param payloadBytesMax of one READ or WRITE
 */
public record RemoteExport(long sizeBytes, int flags, long blockBytesMin, long payloadBytesMax) {

    /** What holds where a server says nothing of it. */
    static final long BLOCK_BYTES_MIN_DEFAULT = 1;

    public boolean isReadOnly() {
        return has(Nbd.TRANSMIT_READ_ONLY);
    }

    /** Whether the server has this transmission flag. */
    public boolean has(int flag) {
        return (flags & flag) != 0;
    }
}
