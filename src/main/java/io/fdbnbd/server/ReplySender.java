package io.fdbnbd.server;

import io.fdbnbd.nbd.Framing;
import io.fdbnbd.tls.SecureChannel;
import io.fdbnbd.util.Checks;
import io.fdbnbd.util.Sleeper;
import io.fdbnbd.util.Threads;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.GatheringByteChannel;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import org.jctools.queues.MessagePassingQueue;
import org.jctools.queues.varhandle.MpscVarHandleArrayQueue;
import org.jspecify.annotations.Nullable;
import org.tinylog.Logger;

/**
 * The write side of a connection, and the count of its requests that wait.
 *
 * <p>Threads: the connection's reader sends what it can answer at once by {@link #send}, and waits for the socket
 * itself. Replies to requests that waited come from any thread by {@link #sendLater}, which never waits: they are
 * queued, and a writer thread, started with the first of them, sends all that are queued in one call. Who sends for
 * himself takes the queued ones along.
 *
 * <p>{@code lock} guards the channel's write side, the consumer's side of {@code queue}, {@code gather},
 * {@code headers}, {@code taken} and {@code broken}. It is held while the socket makes the holder wait, so nobody but
 * the reader, the writer, a {@link PiecewiseRead} and a request that has a thread to itself may take it.
 *
 * <p>A request that waits is counted from {@link #begin} until its reply has been sent, or until it was dropped because
 * the connection is gone; {@link #finish} waits for all of them. So no thread that works for the connection outlives it.
 */
final class ReplySender {

    /** Requests of one connection that wait at a time; the reader stops at that. */
    static final int REQUESTS_MAX = 256;

    /** What replies to requests that wait may take of the shared buffers, for one connection. */
    static final int BYTES_MAX = 16 << 20;

    private static final int GATHER_MAX = 64;

    /** Of all the replies without data that one call sends. */
    private static final int BARE_BYTES_MAX = 4 << 10;

    /** How long {@link #readWithoutWaiting} waits for a reply that is being sent. */
    private static final long SENDING_NANOS_MAX = Duration.ofMillis(10).toNanos();

    private final SocketChannel socket;

    /** The socket, or what is over it. */
    private GatheringByteChannel channel;

    private @Nullable SecureChannel secure;
    private final BufferPool pool;
    private final String name;
    private final ReentrantLock lock = new ReentrantLock();
    private final MessagePassingQueue<Reply> queue = new MpscVarHandleArrayQueue<>(REQUESTS_MAX);
    private final Semaphore requests = new Semaphore(REQUESTS_MAX);
    private final Semaphore bytes = new Semaphore(BYTES_MAX);

    private final @Nullable ByteBuffer[] gather = new ByteBuffer[GATHER_MAX];
    private final @Nullable Reply[] taken = new Reply[REQUESTS_MAX];
    private int takenCount;
    private boolean broken;

    /** The replies without data of one call; allocated with the writer. */
    private @Nullable ByteBuffer headers;

    /** Both are written under {@code lock}, and read by the watchdog. */
    private final AtomicLong sentBytes = new AtomicLong();

    private volatile boolean sending;

    /** Set by the reader only, before it begins a request. */
    private Framing framing = Framing.SIMPLE;

    /** Set by the reader only, before anything that could call {@link #sendLater} exists. */
    private volatile @Nullable Thread writer;

    /** Set by the reader before the first request. */
    private @Nullable RequestTimes times;

    /** The writer's. */
    private final Sleeper sleeper = new Sleeper();

    private volatile boolean finished;

    ReplySender(SocketChannel socket, BufferPool pool, String name) {
        this.socket = socket;
        this.channel = socket;
        this.pool = pool;
        this.name = name;
    }

    /** From now on everything goes through {@code over}. The reader's, before anything could wait. */
    void secure(SecureChannel over) {
        Checks.check(writer == null, "replies are under way already");
        secure = over;
        channel = over;
    }

    /** How replies look from now on. The reader's, before its first request. */
    void use(Framing negotiated) {
        framing = negotiated;
    }

    /** Measures the requests whose replies are sent from here on. The reader's, before the first of them. */
    void measureWith(RequestTimes requestTimes) {
        times = requestTimes;
    }

    /** Sends {@code first}, then {@code second} if there is one. Waits for the socket. The reader's. */
    void send(ByteBuffer first, @Nullable ByteBuffer second) throws IOException {
        lock.lock();
        try {
            gather[0] = first;
            int count = 1;
            if (second != null) {
                gather[count++] = second;
            }
            sendWithQueued(count);
        } finally {
            lock.unlock();
        }
    }

    /**
     * Reads what is there; it is here because a channel waits or does not wait for both sides alike.
     *
     * @return how many bytes, -1 at the end of the stream, and 0 if there is nothing, or if the client is taking a reply
     *     so slowly that this cannot be told
     */
    int readWithoutWaiting(ByteBuffer dst) throws IOException, InterruptedException {
        if (!lock.tryLock(SENDING_NANOS_MAX, TimeUnit.NANOSECONDS)) {
            return 0;
        }
        try {
            socket.configureBlocking(false);
            try {
                return secure == null ? socket.read(dst) : secure.readWithoutWaiting(dst);
            } finally {
                socket.configureBlocking(true);
            }
        } finally {
            lock.unlock();
        }
    }

    /** Counts a request that will wait, if that needs no waiting here. The reader's. */
    boolean tryBegin(int replyBytes) {
        if (!requests.tryAcquire()) {
            return false;
        }
        if (!bytes.tryAcquire(replyBytes)) {
            requests.release();
            return false;
        }
        startWriter();
        return true;
    }

    /** As {@link #tryBegin}, but waits until earlier ones have been answered. The reader's. */
    void begin(int replyBytes) throws InterruptedException {
        requests.acquire();
        bytes.acquire(replyBytes);
        startWriter();
    }

    /** Whether no request waits. The reader's. */
    boolean isIdle() {
        return requests.availablePermits() == REQUESTS_MAX;
    }

    /** Ends what {@link #begin} began. Any thread; never waits. */
    void sendLater(Reply reply) {
        // There is always room: the queue holds as many as can wait.
        Checks.check(queue.relaxedOffer(reply), "more replies than requests");
        sleeper.wake();
    }

    /**
     * As {@link #sendLater}, from a thread that nobody else needs: it sends for itself if nobody is sending, which saves
     * waking the writer.
     */
    void sendFromOwnThread(Reply reply) {
        sendFromOwnThread(List.of(reply));
    }

    /** As for one reply: all of them in one call, as far as one call takes them. */
    void sendFromOwnThread(List<Reply> replies) {
        for (Reply reply : replies) {
            Checks.check(queue.relaxedOffer(reply), "more replies than requests");
        }
        if (lock.tryLock()) {
            try {
                sendWithQueued(0);
            } catch (IOException e) {
                Logger.debug("{}: sending failed: {}", name, e.getMessage());
                closeChannel(); // wakes the reader
            } finally {
                lock.unlock();
            }
        }
        if (!queue.isEmpty()) {
            sleeper.wake();
        }
    }

    /** Ends what {@link #begin} began without a reply in the queue: it has been sent, or never will be. */
    void end(int replyBytes) {
        bytes.release(replyBytes);
        requests.release();
    }

    /** Until {@link #unlockPieces} nothing goes out but pieces. May wait for the socket. */
    void lockPieces() {
        lock.lock();
    }

    void sendPiece(ByteBuffer piece) throws IOException {
        gather[0] = piece;
        write(1);
    }

    void unlockPieces() {
        lock.unlock();
    }

    /** Ends the connection: a reply was begun and cannot be completed. With the lock of {@link #lockPieces}. */
    void breakOff() {
        broken = true;
        closeChannel();
    }

    /**
     * Waits until every request that was begun has been answered or dropped, then ends the writer. The reader's. Not
     * even an interrupt ends the waiting: what still works for the connection must not outlive it.
     */
    void finish() {
        if (finished) {
            return;
        }
        requests.acquireUninterruptibly(REQUESTS_MAX);
        finished = true;
        Thread thread = writer;
        if (thread != null) {
            sleeper.wake();
            Threads.joinUninterruptibly(thread);
        }
    }

    /** How much the client has taken so far, for {@link StallWatch}. Any thread. */
    long takenBytes() {
        return sending ? sentBytes.get() : StallWatch.NOTHING;
    }

    private void startWriter() {
        if (writer == null) {
            headers = ByteBuffer.allocateDirect(BARE_BYTES_MAX);
            writer = Threads.startVirtual(name + "-replies", this::sendQueued);
        }
    }

    private void sendQueued() {
        while (true) {
            if (!queue.isEmpty()) {
                lock.lock();
                try {
                    sendWithQueued(0);
                } catch (IOException e) {
                    Logger.debug("{}: sending failed: {}", name, e.getMessage());
                    closeChannel(); // wakes the reader
                } finally {
                    lock.unlock();
                }
                continue;
            }
            if (finished) {
                return;
            }
            sleeper.sleepIf(this::isWriterIdle);
        }
    }

    private boolean isWriterIdle() {
        return queue.isEmpty() && !finished;
    }

    /** Sends the first {@code count} buffers of {@code gather} and what is queued, as much as one call takes. */
    private void sendWithQueued(int count) throws IOException {
        int all = takeQueued(count);
        try {
            if (broken) {
                throw new ClosedChannelException();
            }
            write(all);
            recordTaken();
        } catch (IOException e) {
            broken = true;
            throw e;
        } finally {
            releaseTaken();
        }
    }

    private int takeQueued(int count) {
        int all = count;
        ByteBuffer heads = headers;
        if (heads == null) {
            return all;
        }
        heads.clear();
        Reply reply;
        // One place is kept for the replies without data, which are sent as one.
        while (all < GATHER_MAX - 1 && heads.remaining() >= framing.bareBytesMax() && (reply = queue.poll()) != null) {
            taken[takenCount++] = reply;
            if (reply.data() != null && reply.error() == 0) {
                gather[all++] = reply.data();
            } else {
                framing.putBare(heads, reply.request(), reply.error());
            }
        }
        if (heads.flip().hasRemaining()) {
            gather[all++] = heads;
        }
        return all;
    }

    private void write(int count) throws IOException {
        sending = true;
        try {
            int first = 0;
            while (first < count) {
                ByteBuffer buffer = gather[first];
                if (buffer == null || !buffer.hasRemaining()) {
                    first++;
                } else {
                    long bytes =
                            first == count - 1 ? channel.write(buffer) : channel.write(gather, first, count - first);
                    sentBytes.lazySet(sentBytes.get() + bytes);
                }
            }
        } finally {
            for (int i = 0; i < count; i++) {
                gather[i] = null;
            }
            sending = false;
        }
    }

    private void recordTaken() {
        for (int i = 0; i < takenCount; i++) {
            Reply reply = taken[i];
            if (times != null && reply != null) {
                times.record(reply.request(), reply.arrivedNanos(), reply.error());
            }
        }
    }

    private void releaseTaken() {
        int sum = 0;
        for (int i = 0; i < takenCount; i++) {
            Reply reply = Objects.requireNonNull(taken[i]);
            sum += reply.bytes();
            if (reply.data() != null) {
                pool.give(reply.data());
            }
            taken[i] = null;
        }
        int count = takenCount;
        takenCount = 0;
        bytes.release(sum);
        requests.release(count);
    }

    private void closeChannel() {
        try {
            channel.close();
        } catch (IOException e) {
            Logger.debug("{}: closing failed: {}", name, e.getMessage());
        }
    }
}
