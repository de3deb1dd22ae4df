package io.fdbnbd.volume;

import com.github.luben.zstd.ZstdCompressCtx;
import com.github.luben.zstd.ZstdDecompressCtx;
import com.github.luben.zstd.ZstdException;
import java.util.concurrent.ArrayBlockingQueue;

/**
 * zstd with contexts that are used again: making one costs three times as much as compressing a block of 4 KiB, and ten
 * times as much as decompressing it. Kept for the whole process, since reads come on threads that live for one read.
 * Any thread.
 */
final class ZstdContexts {

    /** Contexts of a kind that are kept: as many threads as gain from running at once. */
    private static final int KEPT_MAX = 16;

    private static final int LEVEL = 1;

    private static final ArrayBlockingQueue<ZstdCompressCtx> COMPRESSORS = new ArrayBlockingQueue<>(KEPT_MAX);
    private static final ArrayBlockingQueue<ZstdDecompressCtx> DECOMPRESSORS = new ArrayBlockingQueue<>(KEPT_MAX);

    private ZstdContexts() {}

    /** Returns the compressed length; {@code dst} must have room for the worst case. */
    static int compress(byte[] dst, int dstOffset, int dstLength, byte[] src, int srcOffset, int srcLength) {
        ZstdCompressCtx context = COMPRESSORS.poll();
        if (context == null) {
            context = new ZstdCompressCtx().setLevel(LEVEL);
        }
        boolean keep = false;
        try {
            int length = context.compressByteArray(dst, dstOffset, dstLength, src, srcOffset, srcLength);
            keep = COMPRESSORS.offer(context);
            return length;
        } finally {
            if (!keep) {
                context.close();
            }
        }
    }

    /**
     * Returns the decompressed length.
     *
     * @throws ZstdException if {@code src} is damaged or has more content than {@code dstLength}
     */
    static int decompress(byte[] dst, int dstOffset, int dstLength, byte[] src, int srcOffset, int srcLength) {
        ZstdDecompressCtx context = DECOMPRESSORS.poll();
        if (context == null) {
            context = new ZstdDecompressCtx();
        }
        boolean keep = false;
        try {
            int length = context.decompressByteArray(dst, dstOffset, dstLength, src, srcOffset, srcLength);
            keep = DECOMPRESSORS.offer(context);
            return length;
        } finally {
            if (!keep) {
                context.close();
            }
        }
    }
}
