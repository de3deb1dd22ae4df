package io.fdbnbd.bench;

import io.fdbnbd.client.NbdConnection;
import io.fdbnbd.nbd.Nbd;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;

/** Sends the requests of one connection when they are due, many in one write. Not safe for several threads. */
final class Sender {

    /** How long after the end what was due before it is still sent. */
    static final Duration CATCH_UP_MAX = Duration.ofSeconds(10);

    private static final int HEADER_BYTES = Nbd.REQUEST_BYTES + Content.STAMP_BYTES;

    private final SocketChannel channel;
    private final BenchPlan plan;
    private final Workload workload;
    private final Content content;
    private final Outstanding outstanding;
    private final BenchClock clock;
    private final CountDownLatch stop;

    /** Null if a request is due as soon as there is room for it. */
    private final @Nullable Schedule schedule;

    private final long endNanos;

    // What one write is put together in: headers, and between them slices of the content.
    private final ByteBuffer headers;
    private final ByteBuffer[] parts;
    private int partCount;
    private int headersBegin;
    private long stamp;

    Sender(Lane.Setting setting, SocketChannel channel, Workload workload, Outstanding outstanding, int lane) {
        this.channel = channel;
        this.plan = setting.plan();
        this.workload = workload;
        this.content = setting.content();
        this.outstanding = outstanding;
        this.clock = setting.clock();
        this.stop = setting.stop();
        this.schedule =
                plan.isOpenLoop() ? new Schedule(setting.startNanos(), plan.rate(), lane, plan.connections()) : null;
        this.endNanos = setting.endNanos();
        this.headers = ByteBuffer.allocateDirect(plan.depth() * HEADER_BYTES);
        this.parts = new ByteBuffer[2 * plan.depth()];
        this.stamp = ((long) lane << 48) + 1;
    }

    /** Sends all that is due and has room, and returns; false if nothing follows. */
    boolean send() throws IOException {
        long now = clock.nanoTime();
        headers.clear();
        headersBegin = 0;
        partCount = 0;
        boolean over = isOver(now);
        for (int room = over ? 0 : outstanding.room(); room > 0; room--) {
            long due = schedule == null ? now : schedule.dueNanos();
            over = schedule != null && due - endNanos >= 0;
            if (over || due - now > 0) {
                break;
            }
            if (schedule != null) {
                schedule.advance();
            }
            add(due, now);
        }
        endHeaders();
        write();
        return !over;
    }

    private boolean isOver(long now) {
        long last = schedule == null ? endNanos : endNanos + CATCH_UP_MAX.toNanos();
        return stop.getCount() == 0 || now - last >= 0;
    }

    private void add(long due, long now) {
        workload.advance();
        int command = workload.command();
        long cookie = outstanding.add(command, due, now).cookie();
        NbdConnection.putRequest(headers, workload.flags(), command, cookie, workload.offset(), workload.length());
        if (command == Nbd.CMD_WRITE) {
            headers.putLong(stamp);
            endHeaders();
            parts[partCount++] = content.afterStamp(stamp);
            stamp++;
        }
    }

    private void endHeaders() {
        if (headers.position() > headersBegin) {
            parts[partCount++] = headers.slice(headersBegin, headers.position() - headersBegin);
            headersBegin = headers.position();
        }
    }

    private void write() throws IOException {
        int done = 0;
        while (done < partCount) {
            channel.write(parts, done, partCount - done);
            while (done < partCount && !parts[done].hasRemaining()) {
                done++;
            }
        }
    }

    /** Waits until there is something to send, or it is to stop. */
    void awaitNext() throws InterruptedException {
        outstanding.awaitRoom();
        if (schedule != null) {
            clock.awaitUntil(schedule.dueNanos(), stop);
        }
    }

    /** After the last send: how many were due before the end, or now if that is earlier, and never sent. */
    long unsent() {
        if (schedule == null) {
            return 0;
        }
        long now = clock.nanoTime();
        return schedule.skipUntil(now - endNanos < 0 ? now : endNanos);
    }
}
