package io.fdbnbd.server;

import io.fdbnbd.util.Ticker;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.Semaphore;

/**
 * Waits for a client's next request with open eyes, for a moment: a client that has one READ at a time often sends the
 * next sooner than a thread can be put to sleep and woken again, which is most of the time that such a request takes.
 *
 * <p>Costs a processor for as long as it looks, so: only while requests come quickly, and only one connection of a server
 * at a time. Nor does it look after a WRITE, whose commit needs that processor. And who looks never finds several
 * requests together, so now and then it sleeps, to see whether there would be. Belongs to the connection's reader.
 */
final class BriefLook {

    /** How long to look before going to sleep after all. */
    private static final long LOOK_NANOS_MAX = 50_000;

    /** A request that came so soon, waking included, came quickly. */
    private static final long QUICK_NANOS_MAX = 2 * LOOK_NANOS_MAX;

    /** Single requests in a row, each slept for, that show that there is one at a time. */
    private static final int SLEPT_MIN = 8;

    /** How many are then looked for until that has to be shown again. */
    private static final int LOOKS_MAX = 128;

    private final Ticker ticker;
    private final Semaphore turn;
    private int slept;
    private int looksLeft;

    /** @param turn has one permit, for all connections of a server */
    BriefLook(Ticker ticker, Semaphore turn) {
        this.ticker = ticker;
        this.turn = turn;
    }

    /**
     * Waits for bytes, as {@link Gulps.Source#read} does.
     *
     * @param single whether all that came the last time was one READ, which has its reply
     */
    int read(Gulps.Source source, ByteBuffer dst, boolean single) throws IOException {
        if (!single) {
            slept = 0;
            looksLeft = 0;
            return source.read(dst);
        }
        long began = ticker.nanoTime();
        if (looksLeft > 0) {
            looksLeft--;
            int bytes = look(source, dst, began);
            if (bytes != 0) {
                return bytes;
            }
            looksLeft = 0;
        }
        int bytes = source.read(dst);
        slept = ticker.nanoTime() - began > QUICK_NANOS_MAX ? 0 : slept + 1;
        if (slept == SLEPT_MIN) {
            slept = 0;
            looksLeft = LOOKS_MAX;
        }
        return bytes;
    }

    // Keeps its carrier meanwhile: yielding would wake another carrier each time, to look for the work of this one.
    private int look(Gulps.Source source, ByteBuffer dst, long began) throws IOException {
        if (!turn.tryAcquire()) {
            return 0;
        }
        try {
            int bytes = 0;
            while (bytes == 0 && ticker.nanoTime() - began <= LOOK_NANOS_MAX) {
                bytes = source.readWithoutWaiting(dst);
                Thread.onSpinWait();
            }
            return bytes;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return 0;
        } finally {
            turn.release();
        }
    }
}
