package io.fdbnbd.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fdbnbd.store.Batch;
import io.fdbnbd.store.KeyRange;
import io.fdbnbd.store.Store;
import io.fdbnbd.volume.Scrub;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** {@code volume verify}, of a directory that nobody serves and through a server that has it. */
@Timeout(120)
class VerifyVolumeTest {
    private static final int BLOCK = 4096;
    private static final int BLOCKS = 1000;

    @TempDir
    private Path temp;

    private CommandRun verify(String... arguments) {
        String[] command = {"volume", "--store", "rocksdb:" + temp.resolve("store"), "verify"};
        return CommandRun.of(
                Stream.concat(Stream.of(command), Stream.of(arguments)).toArray(String[]::new));
    }

    private ServerProcess serve() throws Exception {
        return ServerProcess.start(
                "--store",
                "rocksdb:" + temp.resolve("store"),
                "--listen",
                "unix:" + temp.resolve("nbd"),
                "--create",
                "disk:1T");
    }

    private static void write(TinyNbdClient client, long block, Random random) throws Exception {
        byte[] content = new byte[BLOCK];
        random.nextBytes(content);
        client.write(block * BLOCK, content);
    }

    private void fillServed() throws Exception {
        Random random = new Random(1);
        try (ServerProcess server = serve();
                TinyNbdClient client = new TinyNbdClient(server.address(), "disk")) {
            for (int i = 0; i < BLOCKS; i++) {
                write(client, i, random);
            }
            server.signal("TERM");
            assertEquals(0, server.exitCode());
        }
    }

    /** Flips a bit in some blocks, from the first on. */
    private void damage(int blocks) throws Exception {
        try (Store store = StoreAddress.parse("rocksdb:" + temp.resolve("store"), CommandRun.noTerminal(Map.of()))
                .open()) {
            List<byte[]> keys = new ArrayList<>();
            List<byte[]> values = new ArrayList<>();
            store.read(null, List.of(new KeyRange(new byte[] {'D'}, new byte[] {'D' + 1}, blocks)), (key, value) -> {
                keys.add(key);
                values.add(value.clone());
            });
            Batch batch = new Batch();
            for (int i = 0; i < blocks; i++) {
                values.get(i)[100] ^= 1;
                batch.set(keys.get(i), values.get(i));
            }
            store.commit(batch);
            store.sync();
        }
    }

    @Test
    void aServedVolumeUnderLoadIsVerifiedWithoutFalseAlarm() throws Exception {
        CountDownLatch begun = new CountDownLatch(1);
        try (ServerProcess server = serve();
                TinyNbdClient client = new TinyNbdClient(server.address(), "disk")) {
            FutureTask<Void> writer = new FutureTask<>(() -> {
                Random random = new Random(2);
                for (int i = 0; !Thread.currentThread().isInterrupted(); i++) {
                    write(client, random.nextInt(4 * BLOCKS), random);
                    if (i == BLOCKS) {
                        begun.countDown();
                    }
                }
                return null;
            });
            Thread thread = Thread.ofPlatform().name("writer").start(writer);
            begun.await();
            for (int i = 0; i < 5; i++) {
                String said = verify("disk").done();
                assertTrue(said.startsWith("volume 'disk' is as it was written: "), said);
            }
            assertFalse(writer.isDone());
            thread.interrupt();
            thread.join();
        }
    }

    @Test
    void damageIsReportedTheSameWhetherServedOrNot() throws Exception {
        fillServed();
        assertTrue(verify("disk", "--quiet").done().contains(": 1000 blocks stored, "));
        damage(2);
        CommandRun here = verify("disk", "--quiet");
        assertEquals(CommandRun.FAILED, here.exitCode());
        assertEquals("", here.err());
        assertTrue(here.out().startsWith("volume 'disk' is damaged: 2 damages in 1000 blocks stored"), here.out());
        assertTrue(here.out().contains("  at offset 4096: stored block 1 is damaged: "), here.out());
        CommandRun json = verify("disk", "--quiet", "--json");
        assertEquals(CommandRun.FAILED, json.exitCode());
        assertTrue(json.out().contains("\"damaged\": 2"), json.out());
        try (ServerProcess server = serve()) {
            assertTrue(server.log().contains("serving"), server.log());
            // In many parts.
            CommandRun there = verify("disk", "--quiet", "--rate", "8M");
            assertEquals(here, there);
            assertEquals(json, verify("disk", "--quiet", "--json"));
        }
    }

    @Test
    void moreDamageThanIsNamedIsCounted() throws Exception {
        fillServed();
        damage(Scrub.DAMAGES_MAX + 50);
        CommandRun many = verify("disk", "--quiet");
        assertEquals(1 + Scrub.DAMAGES_MAX + 1, many.out().lines().count(), many.out());
        assertTrue(many.out().stripTrailing().endsWith("  and 50 more"), many.out());
    }

    @Test
    void whatCannotBeVerifiedIsNotCalledDamaged() throws Exception {
        CommandRun missing = verify("disk");
        assertEquals(VerifyVolume.EXIT_UNKNOWN, missing.exitCode());
        assertEquals(
                "fdb-nbd: there is no volume 'disk': see `fdb-nbd volume list`",
                missing.err().strip());
        try (ServerProcess server = serve()) {
            assertTrue(server.log().contains("serving"), server.log());
            CommandRun other = verify("other");
            assertEquals(VerifyVolume.EXIT_UNKNOWN, other.exitCode());
            assertTrue(other.err().contains("there is no volume 'other'"), other.err());
            assertEquals("", other.out());
        }
    }

    @Test
    void aRateOfNothingIsRefused() {
        assertTrue(verify("disk", "--rate", "0").refused().contains("never comes to an end"));
    }
}
