package io.fdbnbd.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fdbnbd.nbd.Nbd;
import io.fdbnbd.nbd.Request;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.BitSet;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * The queue of replies under more virtual threads than there are processors: each reply is sent once, whole, whoever
 * sends it, and the writer never sleeps over one. A wake-up that is lost shows as a test that does not end.
 */
class ReplySenderStressTest {

    private static final long SEED = 20261123;
    private static final int REPLIES = 60_000;
    private static final int REPLY_BYTES = Nbd.SIMPLE_REPLY_BYTES;

    private final AtomicInteger received = new AtomicInteger();

    @Test
    @Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void everyReplyIsSentOnce() throws Exception {
        long seed = Long.getLong("fdbnbd.seed", SEED);
        System.out.println("ReplySenderStressTest: fdbnbd.seed=" + seed);
        try (ServerSocketChannel listener =
                        ServerSocketChannel.open().bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
                SocketChannel client = SocketChannel.open(listener.getLocalAddress());
                SocketChannel served = listener.accept();
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            Future<BitSet> cookies = threads.submit(() -> receive(client));
            ReplySender sender = new ReplySender(served, BufferPool.shares(1), "nbd-test");
            Random random = new Random(seed);
            for (int cookie = 0; cookie < REPLIES; cookie++) {
                Reply reply = new Reply(new Request(0, Nbd.CMD_WRITE, cookie, 0, 0), 0, 0, null, REPLY_BYTES);
                if (random.nextInt(8) == 0) {
                    sender.send(header(cookie), null);
                    continue;
                }
                sender.begin(REPLY_BYTES);
                if (random.nextBoolean()) {
                    threads.execute(() -> sender.sendLater(reply));
                } else {
                    threads.execute(() -> sender.sendFromOwnThread(reply));
                }
                if (random.nextInt(64) == 0) {
                    // Now the writer falls asleep, and the next reply has to wake it.
                    while (received.get() <= cookie) {
                        Thread.onSpinWait();
                    }
                }
            }
            sender.finish();
            served.shutdownOutput();
            assertEquals(REPLIES, cookies.get().cardinality());
        }
    }

    private static ByteBuffer header(long cookie) {
        return ByteBuffer.allocate(REPLY_BYTES)
                .putInt(Nbd.SIMPLE_REPLY_MAGIC)
                .putInt(0)
                .putLong(cookie)
                .flip();
    }

    /** The cookies of all replies until the end. */
    private BitSet receive(SocketChannel client) throws Exception {
        BitSet cookies = new BitSet();
        ByteBuffer buffer = ByteBuffer.allocate(1 << 16);
        while (client.read(buffer) >= 0) {
            buffer.flip();
            while (buffer.remaining() >= REPLY_BYTES) {
                assertEquals(Nbd.SIMPLE_REPLY_MAGIC, buffer.getInt());
                assertEquals(0, buffer.getInt());
                int cookie = (int) buffer.getLong();
                assertTrue(!cookies.get(cookie), "a reply was sent twice");
                cookies.set(cookie);
                received.incrementAndGet();
            }
            buffer.compact();
        }
        return cookies;
    }
}
