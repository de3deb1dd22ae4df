package io.fdbnbd.volume;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.fdbnbd.store.fdb.FdbCluster;
import io.fdbnbd.store.fdb.FdbLocation;
import io.fdbnbd.store.fdb.FdbStore;
import io.fdbnbd.util.JavaCommand;
import io.fdbnbd.util.Ticker;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The random runs of {@link VolumeModelTest} on a real cluster; and once more in a JVM in which FoundationDB's client
 * injects the errors that it knows: commits that fail, or succeed and say that nobody knows, reads that are too old.
 */
@ExtendWith(FdbCluster.class)
class FdbModelTest {

    private static final long SEED = 20261122;

    /** Options of the client's network thread, which every client of FoundationDB takes from its environment. */
    private static final Map<String, String> BUGGIFY = Map.of(
            "FDB_NETWORK_OPTION_CLIENT_BUGGIFY_ENABLE", "",
            "FDB_NETWORK_OPTION_CLIENT_BUGGIFY_SECTION_ACTIVATED_PROBABILITY", "100",
            "FDB_NETWORK_OPTION_CLIENT_BUGGIFY_SECTION_FIRED_PROBABILITY", "10");

    @ParameterizedTest
    @EnumSource(AckMode.class)
    void aVolumeIsWhatItsModelsSay(AckMode ackMode) throws Exception {
        run(FdbCluster.shared().location(UUID.randomUUID() + "/"), seed(), ackMode);
    }

    @Test
    @Tag("slow")
    void injectedErrorsAreNotNoticed() throws Exception {
        List<String> command = JavaCommand.of(FdbModelTest.class);
        command.add(FdbCluster.shared().clusterFile().toString());
        command.add(Long.toString(seed()));
        ProcessBuilder child = new ProcessBuilder(command);
        child.environment().putAll(BUGGIFY);
        Process process = child.redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), UTF_8);
        assertEquals(0, process.waitFor(), output);
    }

    /** What the other JVM runs: {@code CLUSTER_FILE SEED}. */
    public static void main(String[] args) throws Exception {
        for (AckMode ackMode : AckMode.values()) {
            String prefix = UUID.randomUUID() + "/";
            run(new FdbLocation(Optional.of(args[0]), prefix), Long.parseLong(args[1]), ackMode);
        }
    }

    private static long seed() {
        return Long.getLong("fdbnbd.seed", SEED);
    }

    private static void run(FdbLocation location, long seed, AckMode ackMode) throws Exception {
        System.out.println("FdbModelTest: fdbnbd.seed=" + seed + " " + ackMode);
        VolumeSpec spec = new VolumeSpec(Rig.NAME, (6 << 20) + 777, 4096, Compression.LZ4);
        VolumeOptions options = Rig.options(ackMode, 4 << 20);
        try (Rig rig = new Rig(FdbStore.open(location, Ticker.SYSTEM), spec, options)) {
            OwnedBytes owned = new OwnedBytes(rig, seed, 4);
            for (int phase = 0; phase < 3; phase++) {
                owned.run(60);
                owned.compareWhole();
            }
            rig.detach();
            rig.attach();
            owned.compareWhole();
            SharedSectors shared = new SharedSectors(rig, seed, 4, 200);
            shared.run();
            shared.check();
            rig.flush();
            StoredBlocks.check(rig.store, rig.info());
        }
    }
}
