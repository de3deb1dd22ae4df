package io.fdbnbd.volume;

import static io.fdbnbd.volume.Rig.BLOCK;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fdbnbd.metrics.Measure;
import io.fdbnbd.metrics.Measured;
import io.fdbnbd.metrics.Meter;
import io.fdbnbd.store.FaultStore;
import io.fdbnbd.store.FaultStore.Fault;
import io.fdbnbd.store.StoreException.Kind;
import io.fdbnbd.store.memory.MemoryStore;
import io.fdbnbd.util.Ticker;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a volume tells its meter. */
class StagesTest {
    private final FaultStore store = new FaultStore(new MemoryStore());

    @SuppressWarnings("NullAway.Init")
    private Rig rig;

    @SuppressWarnings("NullAway.Init")
    private Measured measured;

    @BeforeEach
    void open() throws Exception {
        rig = Rig.on(store);
        measured = new Measured(rig.metrics, Rig.NAME);
    }

    @AfterEach
    void close() throws Exception {
        store.heal();
        rig.close();
    }

    @Test
    void aBlockThatIsWrittenAgainInTheBufferIsCommittedOnce() throws Exception {
        CountDownLatch hold = new CountDownLatch(1);
        CountDownLatch reached = new CountDownLatch(1);
        store.onCommit(Fault.delay(hold, reached));
        rig.write(100 * BLOCK, BLOCK, 1);
        reached.await();
        for (int i = 0; i < 10; i++) {
            rig.write(0, 2 * BLOCK, i);
        }
        hold.countDown();
        rig.flush();
        assertEquals(21, measured.count(Measure.BLOCKS_WRITTEN));
        assertEquals(3, measured.count(Measure.BLOCKS_COMMITTED));
        assertEquals(2, measured.count(Measure.TRANSACTION_BLOCKS));
        assertEquals(2, measured.of(Measure.TRANSACTION_BLOCKS).getMaxValue());
        assertEquals(2, measured.count(Measure.WRITE_COMMIT));
        assertEquals(2, measured.count(Measure.WRITE_QUEUE));
        long bytes = measured.of(Measure.TRANSACTION_BYTES).getMaxValue();
        assertTrue(bytes > 2 * BLOCK && bytes < 3 * BLOCK, "transaction of " + bytes);
        assertEquals(2 * BLOCK, (double) measured.of(Measure.BUFFER_BYTES).getMaxValue(), BLOCK / 64.0);
    }

    @Test
    void nothingIsMeasuredForNobody() throws Exception {
        try (Volumes volumes = new Volumes(store, Rig.options(AckMode.BUFFERED, Rig.BUFFER_BYTES), Ticker.SYSTEM)) {
            volumes.catalog().create(VolumeSpec.of("unmeasured", Rig.SIZE));
            try (Attachment attachment = volumes.attach("unmeasured")) {
                assertSame(Meter.NONE, attachment.volume().meter());
            }
        }
    }

    @Test
    void aReadIsOneOfTheBufferOrOneOfTheStore() throws Exception {
        CountDownLatch hold = new CountDownLatch(1);
        store.onCommit(Fault.delay(hold, new CountDownLatch(1)));
        rig.write(0, BLOCK, 1);
        rig.read(0, BLOCK);
        rig.read(0, BLOCK);
        rig.read(0, 2 * BLOCK);
        hold.countDown();
        assertEquals(2, measured.count(Measure.READ_BUFFER));
        assertEquals(1, measured.count(Measure.READ_STORE));
    }

    @Test
    void readsMadeTogetherAreEachOneOfTheBufferOrOfTheStore() throws Exception {
        CountDownLatch hold = new CountDownLatch(1);
        store.onCommit(Fault.delay(hold, new CountDownLatch(1)));
        rig.write(0, BLOCK, 1);
        List<RangeRead> reads = new ArrayList<>();
        for (int block = 0; block < 5; block++) {
            reads.add(new RangeRead((long) block * BLOCK, ByteBuffer.allocate(BLOCK)));
        }
        reads.add(new RangeRead(0, ByteBuffer.allocate(BLOCK)));
        rig.volume().read(reads);
        hold.countDown();
        assertEquals(2, measured.count(Measure.READ_BUFFER));
        assertEquals(4, measured.count(Measure.READ_STORE));
    }

    @Test
    void repeatedCallsAreCountedByKindAndTheStallOnce() throws Exception {
        store.onCommit(
                Fault.fail(Kind.RETRYABLE),
                Fault.fail(Kind.RETRYABLE),
                Fault.fail(Kind.UNKNOWN_OUTCOME),
                Fault.fail(Kind.UNRESOLVED_OUTCOME));
        rig.write(0, BLOCK, 1);
        rig.flush();
        assertEquals(2, measured.count(Measure.RETRIES_RETRYABLE));
        assertEquals(1, measured.count(Measure.RETRIES_UNKNOWN));
        assertEquals(1, measured.count(Measure.RETRIES_UNRESOLVED));
        assertEquals(1, measured.count(Measure.STALL));
    }

    @Test
    void aWriteThatFoundTheBufferFullWaitsForRoom() throws Exception {
        CountDownLatch hold = new CountDownLatch(1);
        CountDownLatch reached = new CountDownLatch(1);
        store.onCommit(Fault.delay(hold, reached));
        rig.write(0, BLOCK, 1);
        reached.await();
        FutureTask<Boolean> writes = Rig.start(() -> {
            rig.write(0, Rig.BUFFER_BYTES + BLOCK, 2);
            return true;
        });
        while (!rig.volume().hasWriteWaiting()) {
            Thread.onSpinWait();
        }
        hold.countDown();
        assertTrue(writes.get(Rig.DEADLINE_SECONDS, TimeUnit.SECONDS));
        assertTrue(measured.count(Measure.WRITE_ROOM) > 0);
    }
}
