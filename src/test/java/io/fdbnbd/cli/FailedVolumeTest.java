package io.fdbnbd.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fdbnbd.store.FaultStore;
import io.fdbnbd.store.FaultStore.Fault;
import io.fdbnbd.store.StoreException;
import io.fdbnbd.store.memory.MemoryStore;
import io.fdbnbd.util.Ticker;
import io.fdbnbd.volume.AckMode;
import io.fdbnbd.volume.Attachment;
import io.fdbnbd.volume.VolumeException;
import io.fdbnbd.volume.VolumeOptions;
import io.fdbnbd.volume.VolumeSpec;
import io.fdbnbd.volume.Volumes;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What a server that has a volume which failed says over its control socket. */
class FailedVolumeTest {

    @Test
    void infoSaysWhySinceWhenAndThatItIsSoUntilAttachedAnew() throws Exception {
        FaultStore store = new FaultStore(new MemoryStore());
        try (store;
                Volumes volumes = new Volumes(store, VolumeOptions.of(AckMode.BUFFERED), Ticker.SYSTEM)) {
            volumes.catalog().create(VolumeSpec.of("disk", 1 << 20));
            try (Attachment attachment = volumes.attach("disk")) {
                store.onCommit(Fault.fail(StoreException.Kind.NO_SPACE));
                attachment.volume().write(0, ByteBuffer.allocate(4096), null);
                assertThrows(VolumeException.class, attachment.volume()::flush);
                String sheet = info(volumes);
                assertTrue(sheet.contains("failed"), sheet);
                assertTrue(sheet.contains("takes no writes until it is attached anew: injected: NO_SPACE"), sheet);
                Map<?, ?> json = (Map<?, ?>) JsonReader.read(info(volumes, "--json"));
                assertEquals("injected: NO_SPACE", json == null ? "nothing" : json.get("failed_because"));
                Instant since = Instant.parse(String.valueOf(json == null ? "" : json.get("failed_since")));
                assertTrue(Duration.between(since, Instant.now()).compareTo(Duration.ofHours(1)) < 0, since::toString);
            }
            String sheet = info(volumes);
            assertTrue(!sheet.contains("failed"), sheet);
        }
    }

    private static String info(Volumes volumes, String... options) {
        Administration server = new Administration(new StoreAddress.Memory(), "", volumes, false, List.of());
        List<String> arguments = new ArrayList<>(List.of("info"));
        arguments.addAll(List.of(options));
        arguments.addAll(List.of("--", "disk"));
        ControlMessages.Answer answer = new ServerReach(server).answer(arguments);
        assertEquals(0, answer.exitCode(), answer.err());
        return answer.out();
    }
}
