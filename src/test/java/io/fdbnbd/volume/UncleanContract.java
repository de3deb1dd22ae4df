package io.fdbnbd.volume;

import static io.fdbnbd.volume.Rig.BLOCK;
import static io.fdbnbd.volume.Rig.DEADLINE_SECONDS;
import static io.fdbnbd.volume.Rig.NAME;
import static io.fdbnbd.volume.Rig.assertFails;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fdbnbd.metrics.Meter;
import io.fdbnbd.store.Store;
import io.fdbnbd.util.Closer;
import io.fdbnbd.util.Ticker;
import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * What a server that is gone leaves behind, and what the next one makes of it. Each "server" is a {@link Volumes} of its
 * own; one that has crashed is just not heard of any more, and displaced if it should be.
 */
abstract class UncleanContract {

    /** For the stores too, which are opened before what uses them. */
    final Closer closer = new Closer();

    @SuppressWarnings("NullAway.Init")
    private Volumes crashed;

    @SuppressWarnings("NullAway.Init")
    private Volumes next;

    /** A store of a server's own, or the one that all have; registered with {@link #closer}. */
    abstract Store openStore() throws Exception;

    @BeforeEach
    void createVolume() throws Exception {
        crashed = server(AckMode.BUFFERED, UncleanPolicy.REFUSE);
        next = server(AckMode.BUFFERED, UncleanPolicy.REFUSE);
        crashed.catalog().create(VolumeSpec.of(NAME, Rig.SIZE));
    }

    @AfterEach
    void close() throws Exception {
        closer.close();
    }

    private Volumes server(AckMode ackMode, UncleanPolicy onUnclean) throws Exception {
        VolumeOptions options = VolumeOptions.of(ackMode).withTakeOver(true).withOnUnclean(onUnclean);
        return closer.register(new Volumes(
                openStore(),
                options,
                Environment.real(Ticker.SYSTEM).withAttempts(Rig.Impatient::new),
                name -> Meter.NONE));
    }

    private Attachment attach(Volumes server) throws VolumeException {
        return closer.register(server.attach(NAME));
    }

    /** As a connection does: answered when this returns. */
    private static void write(Volume volume, int fill) throws Exception {
        CompletableFuture<Boolean> answered = new CompletableFuture<>();
        CommitListener listener = failure -> answered.complete(failure == null);
        ByteBuffer data = ByteBuffer.wrap(Rig.filled(BLOCK, fill));
        if (volume.answersWhenCommitted()) {
            volume.write(0, data, listener);
        } else {
            volume.write(0, data, null);
            volume.whenMarked(listener);
        }
        assertTrue(answered.get(DEADLINE_SECONDS, TimeUnit.SECONDS));
    }

    private static int read(Attachment attachment) throws VolumeException {
        ByteBuffer data = ByteBuffer.allocate(BLOCK);
        attachment.volume().read(0, data);
        return data.get(7);
    }

    private byte @Nullable [] mark() throws Exception {
        return openStore().get(Keys.mark(1));
    }

    @Test
    void whatACrashLeftIsRefusedUntilItIsRecovered() throws Exception {
        Volume volume = attach(crashed).volume();
        write(volume, 1);
        volume.flush();
        write(volume, 2);
        VolumeException refusal = assertFails(VolumeException.Kind.UNCLEAN, () -> next.attach(NAME));
        String sentence = refusal.getMessage();
        assertTrue(sentence.contains("'" + NAME + "'"), sentence);
        assertTrue(sentence.contains(Holder.thisProcess()), sentence);
        assertTrue(sentence.contains("`fdb-nbd volume recover '" + NAME + "'`"), sentence);
        assertTrue(sentence.contains("--on-unclean=accept"), sentence);
        assertFails(VolumeException.Kind.UNCLEAN, () -> next.attach(NAME));

        assertEquals(Optional.of(Holder.thisProcess()), next.recover(NAME));
        assertEquals(Optional.empty(), next.recover(NAME), "once is enough");
        try (Attachment attachment = attach(next)) {
            assertTrue(read(attachment) >= 1, "what was flushed is there");
            write(attachment.volume(), 3);
        }
        assertEquals(3, read(attach(server(AckMode.BUFFERED, UncleanPolicy.REFUSE))), "closed cleanly");
    }

    @Test
    void whoIsRefusedHasDisplacedNobody() throws Exception {
        Volume volume = attach(crashed).volume();
        write(volume, 1);
        assertFails(VolumeException.Kind.UNCLEAN, () -> next.attach(NAME));
        write(volume, 2);
        volume.flush();
    }

    @Test
    void aServerInCommittedModeIsRefusedToo() throws Exception {
        write(attach(crashed).volume(), 1);
        Volumes committed = server(AckMode.COMMITTED, UncleanPolicy.REFUSE);
        assertFails(VolumeException.Kind.UNCLEAN, () -> committed.attach(NAME));
    }

    @Test
    void inCommittedModeACrashLeavesNoGap() throws Exception {
        Volumes committed = server(AckMode.COMMITTED, UncleanPolicy.REFUSE);
        write(attach(committed).volume(), 7);
        assertNull(mark());
        assertEquals(7, read(attach(next)));
    }

    @Test
    void whoWroteNothingLeavesNoGap() throws Exception {
        read(attach(crashed));
        assertNull(mark());
        attach(next);
    }

    @Test
    void whatEndedInOrderIsClean() throws Exception {
        try (Attachment attachment = attach(crashed)) {
            write(attachment.volume(), 1);
            assertNotNull(mark());
        }
        assertNull(mark());
        assertEquals(Optional.empty(), next.recover(NAME));
        assertEquals(1, read(attach(next)));
    }

    @Test
    void whatOtherServersLeftIsAcceptedIfSaidSo() throws Exception {
        write(attach(crashed).volume(), 1);
        attach(server(AckMode.BUFFERED, UncleanPolicy.ACCEPT));
        assertNull(mark(), "said once, of what was then");
    }

    @Test
    void aVolumeThatIsAttachedIsNotRecovered() throws Exception {
        write(attach(crashed).volume(), 1);
        assertFails(VolumeException.Kind.BUSY, () -> crashed.recover(NAME));
        assertNotNull(mark());
    }

    @Test
    void whatIsNotThereIsNotRecovered() {
        assertFails(VolumeException.Kind.MISSING, () -> next.recover("nothing"));
    }

    @Test
    void aVolumeThatWasLeftUncleanCanBeDeleted() throws Exception {
        write(attach(crashed).volume(), 1);
        next.delete(NAME);
        assertNull(mark());
    }
}
