package io.fdbnbd.volume;

import static org.junit.jupiter.api.Assertions.fail;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A model of a volume whose bytes are dealt out to threads in stripes of any length, so that most blocks have several
 * owners: what a thread reads of its own bytes must be exactly what it wrote last, whatever the others do to the same
 * blocks. The model is one array: no two threads touch the same byte of it.
 */
final class OwnedBytes {

    private static final int STRIPE_BYTES_MAX = 3 << 20;
    private static final long DEADLINE_SECONDS = 300;
    private static final byte GARBAGE = 0x5a;

    private final Rig rig;
    private final long seed;
    private final byte[] model;
    private final byte[] owners;
    private final List<List<int[]>> stripes = new ArrayList<>();
    private int runs;

    OwnedBytes(Rig rig, long seed, int threads) {
        this.rig = rig;
        this.seed = seed;
        this.model = new byte[(int) rig.info().sizeBytes()];
        this.owners = new byte[model.length];
        for (int thread = 0; thread < threads; thread++) {
            stripes.add(new ArrayList<>());
        }
        dealOut(new Random(seed));
    }

    private void dealOut(Random random) {
        int at = 0;
        int next = 0;
        while (at < model.length) {
            int length = random.nextInt(40) == 0 ? random.nextInt(STRIPE_BYTES_MAX) : random.nextInt(20_000);
            int end = Math.min(model.length, at + 1 + length);
            int owner = next++ % stripes.size();
            stripes.get(owner).add(new int[] {at, end});
            Arrays.fill(owners, at, end, (byte) owner);
            at = end;
        }
    }

    /** Every thread does so many things. */
    void run(int operations) throws Exception {
        CountDownLatch start = new CountDownLatch(1);
        List<FutureTask<Boolean>> tasks = new ArrayList<>();
        int turn = runs++;
        for (int thread = 0; thread < stripes.size(); thread++) {
            Client client = new Client(thread, new Random(seed * 31 + turn * 7919L + thread));
            tasks.add(Rig.start(() -> {
                start.await();
                client.run(operations);
                return true;
            }));
        }
        start.countDown();
        for (FutureTask<Boolean> task : tasks) {
            task.get(DEADLINE_SECONDS, TimeUnit.SECONDS);
        }
    }

    void compareWhole() throws VolumeException {
        compare(0, rig.read(0, model.length), -1);
    }

    private void compare(int offset, byte[] read, int owner) {
        for (int i = 0; i < read.length; i++) {
            int at = offset + i;
            if (read[i] != model[at] && (owner < 0 || owners[at] == owner)) {
                fail("at byte " + at + " (thread " + owner + ", stripe of " + owners[at] + ") is " + read[i] + ", not "
                        + model[at]);
            }
        }
    }

    /** One connection. */
    private final class Client {

        private final int me;
        private final Random random;
        private @Nullable Attachment attachment;

        Client(int me, Random random) {
            this.me = me;
            this.random = random;
        }

        void run(int operations) throws Exception {
            try {
                for (int i = 0; i < operations; i++) {
                    if (attachment == null || random.nextInt(50) == 0) {
                        reattach();
                    }
                    step(attachment().volume());
                }
            } finally {
                attachment().close();
            }
        }

        private Attachment attachment() {
            if (attachment == null) {
                throw new AssertionError("not attached");
            }
            return attachment;
        }

        private void reattach() throws VolumeException {
            if (attachment != null) {
                attachment.close();
            }
            attachment = rig.volumes.attach(Rig.NAME);
        }

        private void step(Volume volume) throws Exception {
            switch (random.nextInt(20)) {
                case 0 -> volume.flush();
                case 1 -> writeThrough(volume);
                case 2, 3, 4 -> zero(volume);
                case 5, 6, 7, 8 -> readWide(volume);
                case 9, 10 -> readOwn(volume);
                default -> write(volume);
            }
            if (random.nextBoolean()) {
                volume.commitHere();
            }
        }

        /** Some range within one of this thread's stripes. */
        private int[] range() {
            List<int[]> mine = stripes.get(me);
            int[] stripe = mine.get(random.nextInt(mine.size()));
            int length = stripe[1] - stripe[0];
            return switch (random.nextInt(4)) {
                case 0 -> stripe;
                case 1 -> aligned(stripe);
                default -> {
                    int from = random.nextInt(length);
                    yield new int[] {stripe[0] + from, stripe[0] + from + random.nextInt(length - from + 1)};
                }
            };
        }

        private int[] aligned(int[] stripe) {
            int from = Math.ceilDiv(stripe[0], 512) * 512;
            int to = stripe[1] / 512 * 512;
            return from < to ? new int[] {from, to} : stripe;
        }

        private byte[] content(int length) {
            byte[] bytes = new byte[length];
            switch (random.nextInt(4)) {
                case 0 -> random.nextBytes(bytes);
                case 1 -> {}
                default -> Arrays.fill(bytes, (byte) random.nextInt());
            }
            return bytes;
        }

        private void write(Volume volume) throws Exception {
            int[] range = range();
            byte[] bytes = content(range[1] - range[0]);
            if (volume.answersWhenCommitted()) {
                writeAndWait(volume, range[0], bytes);
            } else {
                volume.write(range[0], ByteBuffer.wrap(bytes), null);
            }
            System.arraycopy(bytes, 0, model, range[0], bytes.length);
        }

        /** As FUA does. */
        private void writeThrough(Volume volume) throws Exception {
            int[] range = range();
            byte[] bytes = content(range[1] - range[0]);
            writeAndWait(volume, range[0], bytes);
            volume.sync();
            System.arraycopy(bytes, 0, model, range[0], bytes.length);
        }

        private void writeAndWait(Volume volume, int offset, byte[] bytes) throws Exception {
            CompletableFuture<Optional<VolumeException>> fate = new CompletableFuture<>();
            volume.write(offset, ByteBuffer.wrap(bytes), failure -> fate.complete(Optional.ofNullable(failure)));
            volume.commitHere();
            Optional<VolumeException> failure = fate.get(DEADLINE_SECONDS, TimeUnit.SECONDS);
            if (failure.isPresent()) {
                throw failure.get();
            }
        }

        private void zero(Volume volume) throws VolumeException {
            int[] range = range();
            volume.zero(range[0], range[1] - range[0], null);
            Arrays.fill(model, range[0], range[1], (byte) 0);
        }

        private void readOwn(Volume volume) throws VolumeException {
            int[] range = range();
            read(volume, range[0], range[1] - range[0]);
        }

        /** Over the stripes of others too. */
        private void readWide(Volume volume) throws VolumeException {
            int offset = random.nextInt(model.length);
            read(volume, offset, random.nextInt(Math.min(STRIPE_BYTES_MAX, model.length - offset) + 1));
        }

        private void read(Volume volume, int offset, int length) throws VolumeException {
            // Into the middle of a buffer that is not empty, and is not to be touched around that.
            ByteBuffer dst = ByteBuffer.allocateDirect(length + 20).put(Rig.filled(length + 20, GARBAGE));
            dst.position(9).limit(9 + length);
            if (random.nextBoolean() || !volume.tryRead(offset, dst)) {
                volume.read(offset, dst);
            }
            byte[] read = new byte[length];
            dst.get(9, read);
            compare(offset, read, me);
            if (dst.get(8) != GARBAGE || dst.limit(dst.capacity()).get(9 + length) != GARBAGE) {
                fail("a read wrote outside of its buffer");
            }
        }
    }
}
