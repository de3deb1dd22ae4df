import com.apple.foundationdb.Database;
import com.apple.foundationdb.FDB;
import com.apple.foundationdb.KeyValue;
import com.apple.foundationdb.StreamingMode;
import com.apple.foundationdb.Transaction;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;

/**
 * How fast is fdb-java itself, with nothing above it? One row of {@code bench/fdb} a call: prints blocks a second, once
 * warm. Run by {@code bench/fdb}; the classes come from the product's own libraries.
 *
 * <pre>FdbAlone CLUSTER_FILE ROW SECONDS SPAN_BYTES IN_FLIGHT BLOCKS_PER_TRANSACTION</pre>
 */
public final class FdbAlone {
    private static final int BLOCK_BYTES = 4096;
    private static final int VALUE_BYTES = BLOCK_BYTES + 5;
    private static final int SUB_RANGE_BLOCKS = 16;

    /** Run before what is measured: by then the JVM has compiled what little there is. */
    private static final double WARM_UP_SECONDS = 2;

    private static final byte[] PREFIX = "alone/Dllll".getBytes();

    private final Database database;
    private final long blocks;
    private final int inFlight;
    private final int batch;
    private final long endNanos;
    private final SplittableRandom random = new SplittableRandom(1);
    private final AtomicLong done = new AtomicLong();
    private final AtomicReference<Throwable> failure = new AtomicReference<>();
    private final byte[] noise = new byte[1 << 20];

    private FdbAlone(Database database, long span, int inFlight, int batch, double seconds) {
        this.database = database;
        this.blocks = span / BLOCK_BYTES;
        this.inFlight = inFlight;
        this.batch = batch;
        this.endNanos = System.nanoTime() + (long) (seconds * 1e9);
        random.nextBytes(noise);
    }

    public static void main(String[] args) {
        FDB fdb = FDB.selectAPIVersion(730);
        try (Database database = fdb.open(args[0], Runnable::run)) {
            if (!args[1].equals("fill")) {
                run(database, args, WARM_UP_SECONDS);
            }
            System.out.printf("%.1f%n", run(database, args, Double.parseDouble(args[2])));
        }
    }

    /** Returns blocks a second. */
    private static double run(Database database, String[] args, double seconds) {
        FdbAlone bench = new FdbAlone(
                database, Long.parseLong(args[3]), Integer.parseInt(args[4]), Integer.parseInt(args[5]), seconds);
        long began = System.nanoTime();
        switch (args[1]) {
            case "fill" -> bench.fill();
            case "write" -> bench.write(false);
            case "randwrite" -> bench.write(true);
            case "randread" -> bench.read();
            case "read" -> bench.readRanges();
            default -> throw new IllegalArgumentException(args[1]);
        }
        if (bench.failure.get() != null) {
            throw new IllegalStateException(bench.failure.get());
        }
        return bench.done.get() / ((System.nanoTime() - began) / 1e9);
    }

    private static byte[] key(long block) {
        return ByteBuffer.allocate(PREFIX.length + Long.BYTES).put(PREFIX).putLong(block).array();
    }

    private byte[] value() {
        byte[] value = new byte[VALUE_BYTES];
        System.arraycopy(noise, random.nextInt(noise.length - VALUE_BYTES), value, 0, VALUE_BYTES);
        return value;
    }

    private void fill() {
        long next = 0;
        while (next < blocks) {
            try (Transaction transaction = database.createTransaction()) {
                transaction.options().setReadYourWritesDisable();
                for (int i = 0; i < 64 && next < blocks; i++) {
                    transaction.set(key(next++), value());
                }
                transaction.commit().join();
            }
        }
        done.set(blocks);
    }

    /** Commits of so many blocks each, so many in flight, at versions that are reused: as the product does. */
    private void write(boolean anywhere) {
        Semaphore slots = new Semaphore(inFlight);
        long next = 0;
        long version = version();
        long versionNanos = System.nanoTime();
        while (System.nanoTime() < endNanos && failure.get() == null) {
            slots.acquireUninterruptibly();
            if (System.nanoTime() - versionNanos > 500_000_000L) {
                version = version();
                versionNanos = System.nanoTime();
            }
            Transaction transaction = database.createTransaction(Runnable::run);
            transaction.options().setReadYourWritesDisable();
            transaction.setReadVersion(version);
            for (int i = 0; i < batch; i++) {
                transaction.set(key(anywhere ? random.nextLong(blocks) : next++ % blocks), value());
            }
            transaction.commit().whenComplete((nothing, failed) -> {
                if (failed == null) {
                    done.addAndGet(batch);
                } else {
                    failure.compareAndSet(null, failed);
                }
                transaction.close();
                slots.release();
            });
        }
        slots.acquireUninterruptibly(inFlight);
    }

    private long version() {
        try (Transaction transaction = database.createTransaction(Runnable::run)) {
            return transaction.getReadVersion().join();
        }
    }

    private void read() {
        Semaphore slots = new Semaphore(inFlight);
        long version = version();
        long versionNanos = System.nanoTime();
        while (System.nanoTime() < endNanos && failure.get() == null) {
            slots.acquireUninterruptibly();
            if (System.nanoTime() - versionNanos > 500_000_000L) {
                version = version();
                versionNanos = System.nanoTime();
            }
            Transaction transaction = database.createTransaction(Runnable::run);
            transaction.options().setReadYourWritesDisable();
            transaction.setReadVersion(version);
            transaction.snapshot().get(key(random.nextLong(blocks))).whenComplete((value, failed) -> {
                if (failed == null) {
                    done.incrementAndGet();
                } else {
                    failure.compareAndSet(null, failed);
                }
                transaction.close();
                slots.release();
            });
        }
        slots.acquireUninterruptibly(inFlight);
    }

    /** Reads of so many adjacent blocks, each as parallel sub-ranges of one trip to the storage server. */
    private void readRanges() {
        Semaphore slots = new Semaphore(inFlight);
        long next = 0;
        long version = version();
        long versionNanos = System.nanoTime();
        while (System.nanoTime() < endNanos && failure.get() == null) {
            slots.acquireUninterruptibly();
            if (System.nanoTime() - versionNanos > 500_000_000L) {
                version = version();
                versionNanos = System.nanoTime();
            }
            Transaction transaction = database.createTransaction();
            transaction.options().setReadYourWritesDisable();
            transaction.setReadVersion(version);
            List<CompletableFuture<List<KeyValue>>> parts = new ArrayList<>();
            for (int from = 0; from < batch; from += SUB_RANGE_BLOCKS) {
                int rows = Math.min(SUB_RANGE_BLOCKS, batch - from);
                parts.add(transaction
                        .snapshot()
                        .getRange(key(next + from), key(next + from + rows), rows, false, StreamingMode.EXACT)
                        .asList());
            }
            next = next + 2L * batch <= blocks ? next + batch : 0;
            CompletableFuture.allOf(parts.toArray(CompletableFuture[]::new)).whenComplete((nothing, failed) -> {
                if (failed == null) {
                    parts.forEach(part -> done.addAndGet(part.join().size()));
                } else {
                    failure.compareAndSet(null, failed);
                }
                transaction.close();
                slots.release();
            });
        }
        slots.acquireUninterruptibly(inFlight);
    }
}
