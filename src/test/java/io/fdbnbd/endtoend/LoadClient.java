package io.fdbnbd.endtoend;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.fdbnbd.nbd.Nbd;
import io.fdbnbd.server.ListenAddress;
import io.fdbnbd.server.NbdTestClient;
import io.fdbnbd.util.Threads;
import java.io.IOException;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;

/**
 * A connection that sends random requests without waiting for their replies, and enters all it knows into a ledger.
 * Two threads, which end with the connection: one sends, one receives.
 */
final class LoadClient {
    private static final int DEPTH_MAX = 32;

    /** Where half of the requests go, so that they meet. */
    private static final int HOT_SECTORS = 512;

    private static final int HOT_LENGTH_MAX = 16;
    private static final int COLD_LENGTH_MAX = 512;
    private static final int LONG_LENGTH_MAX = 4096;

    /** Who hears of it. Called by the receiver. */
    interface Listener {
        /**
         * A reply has come.
         *
         * @param promise whether it is to a FLUSH, or to a request with FUA
         */
        void answered(boolean promise);

        /** The connection is over; once. */
        void ended(Throwable reason);

        /** Whether the server may refuse requests because it is stopping. */
        boolean isStopping();
    }

    private record Request(
            int type, int flags, int first, int count, long sentAt, Ledger.@Nullable Operation operation) {
        boolean has(int flag) {
            return (flags & flag) != 0;
        }
    }

    private final NbdTestClient client;
    private final Ledger ledger;
    private final boolean answersWhenCommitted;
    private final Random random;
    private final Listener listener;
    private final Map<Long, Request> underWay = new ConcurrentHashMap<>();
    private final Semaphore depth = new Semaphore(DEPTH_MAX);
    private final Thread sender;
    private final Thread receiver;
    private volatile boolean over;

    private LoadClient(
            NbdTestClient client, Ledger ledger, boolean answersWhenCommitted, Random random, Listener listener) {
        this.client = client;
        this.ledger = ledger;
        this.answersWhenCommitted = answersWhenCommitted;
        this.random = random;
        this.listener = listener;
        this.receiver = Threads.startPlatform("load-receiver", this::receiveAll);
        this.sender = Threads.startPlatform("load-sender", this::sendAll);
    }

    static LoadClient start(
            ListenAddress address, Ledger ledger, boolean answersWhenCommitted, Random random, Listener listener)
            throws IOException {
        NbdTestClient client = NbdTestClient.attach(address, ledger.volume());
        return new LoadClient(client, ledger, answersWhenCommitted, random, listener);
    }

    /** Waits until the server has ended the connection. */
    void join() throws InterruptedException, IOException {
        receiver.join();
        sender.join();
        client.close();
    }

    // ---- the sender

    private void sendAll() {
        try {
            for (long cookie = 1; !over; cookie++) {
                depth.acquire();
                send(cookie);
            }
        } catch (IOException e) {
            // The receiver hears of it too, after the replies that are still to come.
            over = true;
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private void send(long cookie) throws IOException {
        int kind = random.nextInt(100);
        if (kind < 4) {
            announce(cookie, new Request(Nbd.CMD_FLUSH, 0, 0, 0, ledger.now(), null));
            client.request(0, Nbd.CMD_FLUSH, cookie, 0, 0);
            return;
        }
        boolean hot = random.nextBoolean();
        int lengthMax = hot ? HOT_LENGTH_MAX : random.nextInt(50) == 0 ? LONG_LENGTH_MAX : COLD_LENGTH_MAX;
        int count = 1 + random.nextInt(lengthMax);
        int first = random.nextInt((hot ? HOT_SECTORS : ledger.sectorCount()) - count);
        int flags = random.nextInt(8) == 0 ? Nbd.CMD_FLAG_FUA : 0;
        if (kind < 64) {
            write(cookie, flags, first, count);
        } else if (kind < 80) {
            zero(cookie, flags, first, count);
        } else {
            announce(cookie, new Request(Nbd.CMD_READ, 0, first, count, ledger.now(), null));
            client.request(0, Nbd.CMD_READ, cookie, bytes(first), bytes(count));
        }
    }

    private void write(long cookie, int flags, int first, int count) throws IOException {
        Ledger.Operation operation = ledger.write(first, count);
        byte[] data = new byte[(int) bytes(count)];
        for (int i = 0; i < count; i++) {
            Stamp.put(data, i * Stamp.SECTOR_BYTES, operation.id, first + i);
        }
        announce(cookie, new Request(Nbd.CMD_WRITE, flags, first, count, operation.sentAt, operation));
        client.write(flags, cookie, bytes(first), data);
    }

    private void zero(long cookie, int flags, int first, int count) throws IOException {
        int type = random.nextBoolean() ? Nbd.CMD_TRIM : Nbd.CMD_WRITE_ZEROES;
        int more = type == Nbd.CMD_WRITE_ZEROES && random.nextBoolean() ? Nbd.CMD_FLAG_NO_HOLE : 0;
        Ledger.Operation operation = ledger.zero(first, count);
        announce(cookie, new Request(type, flags, first, count, operation.sentAt, operation));
        client.request(flags | more, type, cookie, bytes(first), bytes(count));
    }

    private void announce(long cookie, Request request) {
        underWay.put(cookie, request);
    }

    private static long bytes(int sectors) {
        return (long) sectors * Stamp.SECTOR_BYTES;
    }

    // ---- the receiver

    private void receiveAll() {
        try {
            while (true) {
                receive();
            }
        } catch (Throwable e) { // the listener decides whether it was to be expected
            over = true;
            depth.release(DEPTH_MAX);
            listener.ended(e);
        }
    }

    private void receive() throws IOException {
        NbdTestClient.Reply reply = client.reply();
        Request request = Objects.requireNonNull(underWay.remove(reply.cookie()), "a reply to nothing");
        if (reply.error() == Nbd.ESHUTDOWN && listener.isStopping()) {
            depth.release();
            return; // it may have happened or not, as if it had never been answered
        }
        assertEquals(0, reply.error(), () -> "the error of " + request);
        boolean promise = request.type == Nbd.CMD_FLUSH || request.has(Nbd.CMD_FLAG_FUA);
        if (request.operation != null) {
            ledger.answered(request.operation, promise || answersWhenCommitted);
        } else if (request.type == Nbd.CMD_FLUSH) {
            ledger.flushed(request.sentAt);
        } else {
            ledger.checkRead(request.sentAt, request.first, client.data((int) bytes(request.count)));
        }
        depth.release();
        listener.answered(promise);
    }
}
