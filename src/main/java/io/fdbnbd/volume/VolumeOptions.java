package io.fdbnbd.volume;

import static io.fdbnbd.util.Checks.checkArgument;

import java.time.Duration;

/**
 * How volumes are served.
 *
 * @param bufferBytesMax dirty bytes of all volumes of this process together
 * @param volumeBufferBytesMax dirty bytes of one volume
 * @param closeDeadline how long closing a volume may wait for the store to take what is dirty
 * @param takeOver whether volumes are taken from servers that live
 * @param onUnclean what becomes of volumes that were left unclean
 */
public record VolumeOptions(
        AckMode ackMode,
        long bufferBytesMax,
        long volumeBufferBytesMax,
        Duration closeDeadline,
        boolean takeOver,
        UncleanPolicy onUnclean) {

    /** What every volume may have dirty whatever the others do. */
    static final long VOLUME_BUFFER_BYTES_GUARANTEED = 1L << 20;

    private static final long VOLUME_BUFFER_BYTES_DEFAULT = 32L << 20;

    /** The part of the heap that dirty blocks may take. */
    private static final int HEAP_PART = 4;

    public VolumeOptions {
        checkArgument(
                volumeBufferBytesMax >= 2 * VOLUME_BUFFER_BYTES_GUARANTEED,
                "a volume's buffer must hold twice what is guaranteed to it");
        checkArgument(bufferBytesMax >= volumeBufferBytesMax, "all volumes' buffers together must hold at least one's");
    }

    /** Sized by the heap of this process. */
    public static VolumeOptions of(AckMode ackMode) {
        long total = Math.max(
                4 * VOLUME_BUFFER_BYTES_GUARANTEED, Runtime.getRuntime().maxMemory() / HEAP_PART);
        return new VolumeOptions(
                ackMode,
                total,
                Math.min(VOLUME_BUFFER_BYTES_DEFAULT, total / 2),
                Duration.ofSeconds(20),
                false,
                UncleanPolicy.REFUSE);
    }

    /** What all volumes of this process together may keep of what was read before it was asked for. */
    long readAheadBytesMax() {
        return bufferBytesMax / 4;
    }

    public VolumeOptions withTakeOver(boolean value) {
        return new VolumeOptions(ackMode, bufferBytesMax, volumeBufferBytesMax, closeDeadline, value, onUnclean);
    }

    public VolumeOptions withOnUnclean(UncleanPolicy value) {
        return new VolumeOptions(ackMode, bufferBytesMax, volumeBufferBytesMax, closeDeadline, takeOver, value);
    }
}
