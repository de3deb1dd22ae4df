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

    /** Sent without a pause, so that the server has much that it has answered and not committed. */
    private static final int BURST_WRITES = 24;

    private static final int BURST_SECTORS = 384;

    /** Who hears of it, on this client's threads. */
    interface Listener {
        void answered();

        /** Whether it is time for the burst, which each client sends once. */
        boolean wantsBurst();

        /** Something has just been answered that a server in its death throes would love to forget. */
        void decisive();

        /** The connection is over; once. */
        void ended(Throwable reason);

        /** Whether the server may refuse requests because it is stopping. */
        boolean isStopping();
    }

    /** What is decisive: the answer to a FLUSH or FUA, or that to mere writes. */
    enum Decisive {
        PROMISE,
        ANSWER
    }

    private record Request(
            int type,
            int flags,
            int first,
            int count,
            long sentAt,
            boolean decisive,
            Ledger.@Nullable Operation operation) {
        boolean has(int flag) {
            return (flags & flag) != 0;
        }
    }

    private final NbdTestClient client;
    private final Ledger ledger;
    private final boolean answersWhenCommitted;
    private final Decisive decisive;
    private final Random random;
    private final Listener listener;
    private final Map<Long, Request> underWay = new ConcurrentHashMap<>();
    private final Semaphore depth = new Semaphore(DEPTH_MAX);
    private final Thread sender;
    private final Thread receiver;
    private volatile boolean over;

    /** The sender's. */
    private long cookies;

    private LoadClient(
            NbdTestClient client,
            Ledger ledger,
            boolean answersWhenCommitted,
            Decisive decisive,
            Random random,
            Listener listener) {
        this.client = client;
        this.ledger = ledger;
        this.answersWhenCommitted = answersWhenCommitted;
        this.decisive = decisive;
        this.random = random;
        this.listener = listener;
        this.receiver = Threads.startPlatform("load-receiver", this::receiveAll);
        this.sender = Threads.startPlatform("load-sender", this::sendAll);
    }

    static LoadClient start(
            ListenAddress address,
            Ledger ledger,
            boolean answersWhenCommitted,
            Decisive decisive,
            Random random,
            Listener listener)
            throws IOException {
        NbdTestClient client = NbdTestClient.attach(address, ledger.volume());
        return new LoadClient(client, ledger, answersWhenCommitted, decisive, random, listener);
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
            boolean burst = false;
            while (!over) {
                if (!burst && listener.wantsBurst()) {
                    burst = true;
                    sendBurst();
                } else {
                    send();
                }
            }
        } catch (IOException e) {
            // The receiver hears of it too, after the replies that are still to come.
            over = true;
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private void sendBurst() throws IOException, InterruptedException {
        for (int i = 0; i < BURST_WRITES && !over; i++) {
            write(0, random.nextInt(ledger.sectorCount() - BURST_SECTORS), BURST_SECTORS, false);
        }
        if (decisive == Decisive.PROMISE && random.nextBoolean()) {
            write(Nbd.CMD_FLAG_FUA, random.nextInt(ledger.sectorCount() - BURST_SECTORS), 1, true);
            return;
        }
        // All have been answered once nothing is under way.
        depth.acquire(DEPTH_MAX);
        depth.release(DEPTH_MAX);
        if (decisive == Decisive.PROMISE) {
            flush(true);
        } else if (!over) {
            listener.decisive();
        }
    }

    private void send() throws IOException, InterruptedException {
        int kind = random.nextInt(100);
        if (kind < 4) {
            flush(false);
            return;
        }
        boolean hot = random.nextBoolean();
        int lengthMax = hot ? HOT_LENGTH_MAX : random.nextInt(50) == 0 ? LONG_LENGTH_MAX : COLD_LENGTH_MAX;
        int count = 1 + random.nextInt(lengthMax);
        int first = random.nextInt((hot ? HOT_SECTORS : ledger.sectorCount()) - count);
        int flags = random.nextInt(8) == 0 ? Nbd.CMD_FLAG_FUA : 0;
        if (kind < 64) {
            write(flags, first, count, false);
        } else if (kind < 80) {
            zero(flags, first, count);
        } else {
            read(first, count);
        }
    }

    private void write(int flags, int first, int count, boolean isDecisive) throws IOException, InterruptedException {
        depth.acquire();
        Ledger.Operation operation = ledger.write(first, count);
        byte[] data = new byte[(int) bytes(count)];
        for (int i = 0; i < count; i++) {
            Stamp.put(data, i * Stamp.SECTOR_BYTES, operation.id, first + i);
        }
        Request request = new Request(Nbd.CMD_WRITE, flags, first, count, operation.sentAt, isDecisive, operation);
        client.write(flags, announce(request), bytes(first), data);
    }

    private void zero(int flags, int first, int count) throws IOException, InterruptedException {
        depth.acquire();
        int type = random.nextBoolean() ? Nbd.CMD_TRIM : Nbd.CMD_WRITE_ZEROES;
        int more = type == Nbd.CMD_WRITE_ZEROES && random.nextBoolean() ? Nbd.CMD_FLAG_NO_HOLE : 0;
        Ledger.Operation operation = ledger.zero(first, count);
        Request request = new Request(type, flags | more, first, count, operation.sentAt, false, operation);
        send(request);
    }

    private void read(int first, int count) throws IOException, InterruptedException {
        depth.acquire();
        send(new Request(Nbd.CMD_READ, 0, first, count, ledger.now(), false, null));
    }

    private void flush(boolean isDecisive) throws IOException, InterruptedException {
        depth.acquire();
        send(new Request(Nbd.CMD_FLUSH, 0, 0, 0, ledger.now(), isDecisive, null));
    }

    private void send(Request request) throws IOException {
        client.request(request.flags, request.type, announce(request), bytes(request.first), bytes(request.count));
    }

    /** Returns the request's cookie. */
    private long announce(Request request) {
        cookies++;
        underWay.put(cookies, request);
        return cookies;
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
        if (request.operation != null) {
            ledger.answered(request.operation, request.has(Nbd.CMD_FLAG_FUA) || answersWhenCommitted);
        } else if (request.type == Nbd.CMD_FLUSH) {
            ledger.flushed(request.sentAt);
        } else {
            ledger.checkRead(request.sentAt, request.first, client.data((int) bytes(request.count)));
        }
        if (request.decisive) {
            listener.decisive();
        }
        depth.release();
        listener.answered();
    }
}
