package io.fdbnbd.server;

import static io.fdbnbd.server.NbdTestClient.bytes;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.fdbnbd.metrics.Measure;
import io.fdbnbd.metrics.Measured;
import io.fdbnbd.nbd.Framing;
import io.fdbnbd.nbd.Nbd;
import io.fdbnbd.nbd.Request;
import io.fdbnbd.server.NbdTestClient.Reply;
import io.fdbnbd.store.FaultStore.Fault;
import io.fdbnbd.store.StoreException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What the server measures of requests. A reply may reach the client before it is noted: hence the waiting. */
class RequestTimesTest {
    private final CountDownLatch hold = new CountDownLatch(1);
    private final CountDownLatch reached = new CountDownLatch(1);

    @SuppressWarnings("NullAway.Init")
    private ServerFixture fixture;

    @SuppressWarnings("NullAway.Init")
    private NbdTestClient client;

    @SuppressWarnings("NullAway.Init")
    private Measured measured;

    @BeforeEach
    void attach() throws Exception {
        fixture = new ServerFixture();
        client = fixture.attach();
        measured = new Measured(fixture.metrics, ServerFixture.DISK);
    }

    @AfterEach
    void close() throws Exception {
        hold.countDown();
        fixture.close();
    }

    private void assertCount(long count, Measure measure) {
        Measured.await(() -> measured.count(measure) >= count);
        assertEquals(count, measured.count(measure), measure.toString());
    }

    @Test
    void everyCommandIsMeasuredByItself() throws Exception {
        for (int i = 0; i < 3; i++) {
            assertEquals(0, client.write(i * 4096L, bytes(4096, 1)));
        }
        client.read(0, 8192);
        assertEquals(0, client.flush());
        assertEquals(0, client.command(0, Nbd.CMD_TRIM, 0, 4096));
        assertEquals(0, client.command(Nbd.CMD_FLAG_FUA, Nbd.CMD_WRITE_ZEROES, 0, 4096));
        assertEquals(0, client.command(0, Nbd.CMD_CACHE, 0, 4096));
        assertCount(3, Measure.WRITE);
        assertCount(1, Measure.READ);
        assertCount(1, Measure.FLUSH);
        assertCount(1, Measure.TRIM);
        assertCount(1, Measure.ZEROES);
        assertCount(3L * 4096, Measure.BYTES_IN);
        assertCount(8192, Measure.BYTES_OUT);
    }

    @Test
    void aRequestThatIsRefusedIsAnErrorAndHasNoTime() throws Exception {
        assertEquals(Nbd.EINVAL, client.command(0, Nbd.CMD_READ, ServerFixture.DISK_BYTES, 1));
        assertEquals(Nbd.EINVAL, client.command(0, 99, 0, 0));
        assertCount(2, Measure.ERRORS);
        assertCount(0, Measure.READ);
    }

    @Test
    void theTimeOfARequestThatWaitsIsWhatPassedUntilItsReply() throws Exception {
        assertEquals(0, client.write(0, bytes(4096, 1)));
        fixture.letReadsWait(client);
        fixture.store.onRead(Fault.delay(hold, reached));
        client.request(0, Nbd.CMD_READ, 1, 0, 4096);
        reached.await();
        fixture.ticker.advance(Duration.ofMillis(7));
        hold.countDown();
        assertEquals(new Reply(1, 0), client.reply());
        client.data(4096);
        assertCount(1, Measure.READ);
        assertEquals(7e6, (double) measured.of(Measure.READ).getMaxValue(), 7e6 / 64);
    }

    @Test
    void aReadInPiecesIsMeasuredOnce() throws Exception {
        int length = BufferPool.READ_CHUNK_BYTES + 4096;
        client.read(0, length);
        assertCount(1, Measure.READ);
        assertCount(length, Measure.BYTES_OUT);
    }

    @Test
    void aReadThatFailsBehindItsBeginningIsAnErrorAndHasNoTime() throws Exception {
        NbdTestClient chunked = fixture.attach(Framing.STRUCTURED);
        ReplyChecker replies = new ReplyChecker(chunked.in(), Framing.STRUCTURED);
        fixture.reads.hasNothingAtHand = true;
        int length = 3 * BufferPool.READ_CHUNK_BYTES;
        for (int flags : new int[] {0, Nbd.CMD_FLAG_DF}) {
            fixture.store.onRead(Fault.NONE, Fault.fail(StoreException.Kind.FATAL));
            chunked.request(flags, Nbd.CMD_READ, 1, 0, length);
            replies.expect(new Request(flags, Nbd.CMD_READ, 1, 0, length));
            assertEquals(Nbd.EIO, replies.next().error());
        }
        assertCount(2, Measure.ERRORS);
        assertCount(0, Measure.READ);
        assertCount(0, Measure.BYTES_OUT);
    }

    /** The time of a write whose payload comes in pieces begins with the first of them. */
    @Test
    void aWriteThatArrivesSlowlyIsMeasuredFromItsBeginning() throws Exception {
        int length = 8 << 20;
        client.request(0, Nbd.CMD_WRITE, 1, 0, length);
        client.send(ByteBuffer.wrap(bytes(4 << 20, 1)).position(4 << 20));
        Measured.await(() -> measured.count(Measure.BLOCKS_WRITTEN) > 0);
        fixture.ticker.advance(Duration.ofMillis(3));
        client.send(ByteBuffer.wrap(bytes(4 << 20, 1)).position(4 << 20));
        assertEquals(new Reply(1, 0), client.reply());
        assertCount(1, Measure.WRITE);
        assertEquals(3e6, (double) measured.of(Measure.WRITE).getMaxValue(), 3e6 / 64);
        assertCount(length, Measure.BYTES_IN);
    }
}
