package io.fdbnbd.volume;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.fdbnbd.metrics.Metrics;
import io.fdbnbd.store.Store;
import io.fdbnbd.store.StoreException;
import io.fdbnbd.util.Ticker;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Arrays;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.function.Executable;

/** One volume, attached, on any store; and the short ways to use it. Closes the store too. */
final class Rig implements AutoCloseable {

    /** When a test gives up: far longer than anything takes. */
    static final long DEADLINE_SECONDS = 60;

    /** Whether alive or not; asked and cleaned by {@link #committers}. */
    private static final Set<Thread> COMMITTERS = ConcurrentHashMap.newKeySet();

    static final String NAME = "v";
    static final int BLOCK = 4096;
    static final long SIZE = 1L << 30;

    static final int BUFFER_BYTES = 32 << 20;

    final Metrics metrics = new Metrics(Ticker.SYSTEM);
    final Store store;
    final Volumes volumes;
    private Attachment attachment;

    /** A volume of {@link #SIZE} bytes in blocks of {@link #BLOCK}, not compressed. */
    static Rig on(Store store) throws VolumeException {
        return on(store, new VolumeSpec(NAME, SIZE, BLOCK, Compression.NONE), AckMode.BUFFERED);
    }

    static Rig on(Store store, VolumeSpec spec, AckMode ackMode) throws VolumeException {
        return new Rig(store, spec, options(ackMode, BUFFER_BYTES));
    }

    Rig(Store store, VolumeSpec spec, VolumeOptions options) throws VolumeException {
        this.store = store;
        this.volumes = new Volumes(store, options, environment(), metrics::open);
        if (volumes.catalog().find(NAME).isEmpty()) {
            volumes.catalog().create(spec);
        }
        this.attachment = volumes.attach(NAME);
    }

    static VolumeOptions options(AckMode ackMode, long bufferBytes) {
        return new VolumeOptions(
                ackMode,
                2 * bufferBytes,
                bufferBytes,
                Duration.ofSeconds(DEADLINE_SECONDS),
                false,
                UncleanPolicy.REFUSE);
    }

    /** Does not wait between attempts: faults are counted out, not waited for. */
    static final class Impatient implements Backoff {
        private final CountDownLatch closed = new CountDownLatch(1);

        @Override
        public void pause(int attempt) throws VolumeException {
            if (closed.getCount() == 0) {
                throw new VolumeException(VolumeException.Kind.SHUTTING_DOWN, "closed");
            }
            Thread.onSpinWait();
        }

        @Override
        public void close() {
            closed.countDown();
        }
    }

    Volume volume() {
        return attachment.volume();
    }

    VolumeInfo info() {
        return volume().info();
    }

    void detach() {
        attachment.close();
    }

    void attach() throws VolumeException {
        attachment = volumes.attach(NAME);
    }

    /** Fills a range with a byte. */
    void write(long offset, int length, int fill) throws VolumeException {
        volume().write(offset, ByteBuffer.wrap(filled(length, fill)), null);
    }

    /** Fills a range with a byte; the future is done when that has committed. */
    CompletableFuture<Void> writeAndTell(long offset, int length, int fill) throws VolumeException {
        CompletableFuture<Void> fate = new CompletableFuture<>();
        volume().write(offset, ByteBuffer.wrap(filled(length, fill)), failure -> {
            if (failure == null) {
                fate.complete(null);
            } else {
                fate.completeExceptionally(failure);
            }
        });
        return fate;
    }

    byte[] read(long offset, int length) throws VolumeException {
        ByteBuffer dst = ByteBuffer.wrap(filled(length, 0x5a));
        volume().read(offset, dst);
        assertEquals(0, dst.remaining());
        return dst.array();
    }

    /** Checks that a range holds one byte everywhere. */
    void assertReads(int fill, long offset, int length) throws VolumeException {
        byte[] read = read(offset, length);
        for (int i = 0; i < length; i++) {
            if (read[i] != (byte) fill) {
                assertEquals(fill, read[i], "at offset " + (offset + i));
            }
        }
    }

    static byte[] filled(int length, int fill) {
        byte[] bytes = new byte[length];
        Arrays.fill(bytes, (byte) fill);
        return bytes;
    }

    /** The stored value of a block. */
    Optional<byte[]> stored(long block) throws Exception {
        return Optional.ofNullable(store.get(Keys.data(info().layer(), block)));
    }

    /** Runs something on a thread of its own. */
    static <T> FutureTask<T> start(Callable<T> work) {
        FutureTask<T> task = new FutureTask<>(work);
        Thread.ofPlatform().daemon(true).name("test-helper").start(task);
        return task;
    }

    /** Flushes on a thread of its own. */
    FutureTask<Boolean> startFlush() {
        Volume volume = volume();
        return start(() -> {
            volume.flush();
            return true;
        });
    }

    /** Flushes, and fails rather than to hang. */
    void flush() throws Exception {
        startFlush().get(DEADLINE_SECONDS, TimeUnit.SECONDS);
    }

    private static Environment environment() {
        Environment real = Environment.real(Ticker.SYSTEM).withAttempts(Impatient::new);
        return new Environment(real.ticker(), real.attempts(), real.beats(), real.pause(), (name, virtual, work) -> {
            Thread committer = real.committers().start(name, virtual, work);
            COMMITTERS.add(committer);
            return committer;
        });
    }

    /** How many volumes have a thread. */
    static long committers() {
        COMMITTERS.removeIf(thread -> !thread.isAlive());
        return COMMITTERS.size();
    }

    /** Returns when every committer has looked and found nothing. */
    static void awaitSleepingCommitters() {
        COMMITTERS.stream().filter(Thread::isAlive).forEach(Rig::sleepOf);
    }

    /** How a thread sleeps, once it does: a virtual one should do so without a time to wake at, which takes a timer. */
    static Thread.State sleepOf(Thread thread) {
        Thread.State state = thread.getState();
        while (state != Thread.State.WAITING && state != Thread.State.TIMED_WAITING) {
            Thread.onSpinWait();
            state = thread.getState();
        }
        return state;
    }

    static void await(CountDownLatch latch) throws InterruptedException {
        assertEquals(true, latch.await(DEADLINE_SECONDS, TimeUnit.SECONDS), "it did not come that far");
    }

    static VolumeException assertFails(VolumeException.Kind kind, Executable call) {
        VolumeException failure = assertThrows(VolumeException.class, call);
        assertEquals(kind, failure.kind(), failure.getMessage());
        return failure;
    }

    @Override
    public void close() throws StoreException {
        attachment.close();
        volumes.close();
        store.close();
    }
}
