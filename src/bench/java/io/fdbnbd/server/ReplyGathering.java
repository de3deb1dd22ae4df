package io.fdbnbd.server;

import io.fdbnbd.metrics.Meter;
import io.fdbnbd.nbd.Framing;
import io.fdbnbd.nbd.Nbd;
import io.fdbnbd.nbd.Request;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * What does a reply without data cost, its part of the call to the socket included, when so many of them share one call?
 * Another thread takes them off the socket.
 */
@State(Scope.Thread)
public class ReplyGathering {
    private static final int REPLIES = 64;

    @Param({"1", "4", "16", "64"})
    private int gathered;

    private SocketChannel client;
    private SocketChannel served;
    private Thread drain;
    private GulpReplies replies;
    private final Request request = new Request(0, Nbd.CMD_WRITE, 1, 0, 4096);

    @Setup
    public void connect() throws IOException {
        try (ServerSocketChannel listener = ServerSocketChannel.open()) {
            listener.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
            client = SocketChannel.open(listener.getLocalAddress());
            served = listener.accept();
        }
        drain = Thread.ofPlatform().name("drain").start(this::drain);
        BufferPool pool = BufferPool.shares(2);
        ReplySender sender = new ReplySender(served, pool, "nbd-bench");
        replies = new GulpReplies(
                sender, pool, Framing.SIMPLE, pool.tryTake(BufferPool.SHARE_BYTES), new RequestTimes(Meter.NONE));
    }

    private void drain() {
        ByteBuffer buffer = ByteBuffer.allocateDirect(1 << 16);
        try {
            while (client.read(buffer) >= 0) {
                buffer.clear();
            }
        } catch (IOException e) {
            throw new IllegalStateException("the replies cannot be read", e);
        }
    }

    @TearDown
    public void disconnect() throws IOException, InterruptedException {
        served.close();
        drain.join();
        client.close();
    }

    @Benchmark
    @OperationsPerInvocation(REPLIES)
    public void reply() throws IOException {
        for (int sent = 0; sent < REPLIES; sent += gathered) {
            for (int i = 0; i < gathered; i++) {
                replies.add(request, 0);
            }
            replies.endGulp();
        }
    }
}
