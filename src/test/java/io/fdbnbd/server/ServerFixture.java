package io.fdbnbd.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.fdbnbd.metrics.Metrics;
import io.fdbnbd.nbd.Framing;
import io.fdbnbd.nbd.Nbd;
import io.fdbnbd.store.Batch;
import io.fdbnbd.store.FaultStore;
import io.fdbnbd.store.KeyRange;
import io.fdbnbd.store.Store;
import io.fdbnbd.store.StoreException;
import io.fdbnbd.store.memory.MemoryStore;
import io.fdbnbd.util.Ticker;
import io.fdbnbd.volume.AckMode;
import io.fdbnbd.volume.Compression;
import io.fdbnbd.volume.VolumeOptions;
import io.fdbnbd.volume.VolumeSpec;
import io.fdbnbd.volume.Volumes;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.UnaryOperator;
import javax.net.ssl.SSLContext;

/** A real server on a free port of the loopback, over a memory store whose every call can be held up or made to fail. */
final class ServerFixture implements AutoCloseable {
    static final String DISK = "disk";
    static final long DISK_BYTES = 8L << 30;
    static final int BLOCK_BYTES = 4096;

    /** The server's clock; it stands still. The volumes have the machine's. */
    static final class HandTicker implements Ticker {
        private final AtomicLong now = new AtomicLong(1);

        void advance(Duration duration) {
            now.addAndGet(duration.toNanos());
        }

        @Override
        public long nanoTime() {
            return now.get();
        }
    }

    final HandTicker ticker = new HandTicker();
    final Metrics metrics = new Metrics(ticker);
    final FaultStore store;
    final WaitingStore reads;
    final Volumes volumes;
    final NbdServer server;
    private final List<NbdTestClient> clients = new ArrayList<>();

    ServerFixture() throws Exception {
        this(AckMode.BUFFERED, options -> options);
    }

    ServerFixture(AckMode ackMode, UnaryOperator<ServerOptions> change) throws Exception {
        this(new MemoryStore(), ackMode, change);
    }

    /** @param under closed with this */
    ServerFixture(Store under, AckMode ackMode, UnaryOperator<ServerOptions> change) throws Exception {
        this(under, ackMode, DISK_BYTES, change);
    }

    /** @param under closed with this */
    ServerFixture(Store under, AckMode ackMode, long diskBytes, UnaryOperator<ServerOptions> change) throws Exception {
        store = new FaultStore(under);
        reads = new WaitingStore(store);
        volumes = new Volumes(reads, VolumeOptions.of(ackMode), Ticker.SYSTEM, metrics::open);
        volumes.catalog().create(new VolumeSpec(DISK, diskBytes, BLOCK_BYTES, Compression.NONE));
        server = new NbdServer(
                volumes, change.apply(ServerOptions.of(List.of(ListenAddress.parse("127.0.0.1:0")))), ticker);
        server.start();
    }

    ListenAddress address() {
        return server.addresses().getFirst();
    }

    /** A client that has the disk attached, and is closed with this. */
    NbdTestClient attach() throws Exception {
        return keep(NbdTestClient.attach(address(), DISK));
    }

    /** As {@link #attach()}, through TLS. */
    NbdTestClient attachSecurely(SSLContext context) throws Exception {
        return attachSecurely(context, Framing.SIMPLE);
    }

    /** As {@link #attach(Framing)}, through TLS. */
    NbdTestClient attachSecurely(SSLContext context, Framing framing) throws Exception {
        NbdTestClient client = connect();
        client.greet();
        client.startTls(context);
        return attach(client, framing);
    }

    /**
     * A client that has negotiated {@code framing}, and allocation where that can be, and attached the disk; it is closed
     * with this.
     */
    NbdTestClient attach(Framing framing) throws Exception {
        NbdTestClient client = connect();
        client.greet();
        return attach(client, framing);
    }

    private static NbdTestClient attach(NbdTestClient client, Framing framing) throws Exception {
        if (framing != Framing.SIMPLE) {
            int option = framing == Framing.STRUCTURED ? Nbd.OPT_STRUCTURED_REPLY : Nbd.OPT_EXTENDED_HEADERS;
            assertEquals(Nbd.REP_ACK, client.negotiate(option, new byte[0]));
            String context = Nbd.ALLOCATION_CONTEXT;
            assertEquals(List.of(context), client.metaContexts(Nbd.OPT_SET_META_CONTEXT, DISK, context));
        }
        assertEquals(Nbd.REP_ACK, client.go(DISK));
        return client;
    }

    /** A client that has connected only, and is closed with this. */
    NbdTestClient connect() throws Exception {
        return keep(NbdTestClient.connect(address()));
    }

    /** Waits until there are no more than so many, or until the test's time is over. */
    void awaitConnections(int countMax) {
        while (server.connectionCount() > countMax) {
            assertFalse(Thread.interrupted(), () -> server.connectionCount() + " connections");
            Thread.onSpinWait();
        }
    }

    /** From now on every read of what was written has to wait for the store. */
    void letReadsWait(NbdTestClient client) throws Exception {
        assertEquals(0, client.flush());
        reads.hasNothingAtHand = true;
    }

    /** Turns a bit in everything that is stored of blocks. */
    void damageEveryBlock() throws StoreException {
        Batch damage = new Batch();
        byte[] begin = {'D'};
        byte[] end = {'D' + 1};
        store.read(null, List.of(new KeyRange(begin, end, 1000)), (key, value) -> {
            byte[] damaged = value.clone();
            damaged[damaged.length - 1] ^= 1;
            damage.set(key, damaged);
        });
        store.commit(damage);
    }

    private NbdTestClient keep(NbdTestClient client) {
        clients.add(client);
        return client;
    }

    /** Whatever a test did: all connections end, and every buffer is back in its pool. */
    @Override
    public void close() throws IOException {
        for (NbdTestClient client : clients) {
            client.close();
        }
        server.close();
        assertEquals(0, server.connectionCount(), "connections left");
        assertEquals(0, server.sharedBuffers().taken(), "buffers not given back to the pool");
        assertEquals(0, server.shares().taken(), "buffers of connections not given back");
        assertEquals(0, volumes.attachedCount(DISK), "attachments left");
        volumes.close();
        reads.close();
    }
}
