package io.fdbnbd.endtoend;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fdbnbd.nbd.Nbd;
import io.fdbnbd.server.NbdTestClient;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The end of a server in the thick of its work, again and again on the same volumes. Every sector must hold a value that
 * it may hold, and every promise must have been kept.
 *
 * <p>{@code -Dfdbnbd.soak.rounds=N} asks for more rounds, {@code tools/soak} goes on until something fails. What the
 * death of a process cannot show is whether a sync was a sync: the machine's page cache survives.
 */
@Tag("slow")
abstract class CrashContract {
    private static final int ROUNDS = Integer.getInteger("fdbnbd.soak.rounds", 6);
    private static final int SECTORS = (16 << 20) / Stamp.SECTOR_BYTES;
    private static final int CHECK_SECTORS = (1 << 20) / Stamp.SECTOR_BYTES;

    private final Ledger narrow = new Ledger("narrow", SECTORS);
    private final Ledger wide = new Ledger("wide", SECTORS);

    @SuppressWarnings("NullAway.Init")
    private ServeProcess server;

    /** How the server of the last round answered writes. */
    private boolean committed;

    /** Whether it may have been killed with something in its buffer. */
    private boolean mayBeUnclean;

    /** As {@code --store} takes it. */
    abstract String store(Path directory) throws IOException;

    /** What {@code serve} needs to come up at once after its predecessor was killed. */
    abstract String[] arguments();

    /** Says that the clients of these volumes have been restarted, by what the store makes quick. */
    abstract void accept(ServeProcess running, List<String> volumes, String... arguments) throws Exception;

    @Test
    void whatWasPromisedIsThereAfterKill9(@TempDir Path directory) throws Exception {
        run(
                directory,
                "kill -9",
                (random) -> new Load(random, LoadClient.Decisive.PROMISE, () -> server.kill()),
                load -> {
                    load.join();
                    server.awaitKilled();
                    mayBeUnclean = !committed;
                });
    }

    @Test
    void whatWasAnsweredIsThereAfterSigterm(@TempDir Path directory) throws Exception {
        run(
                directory,
                "SIGTERM",
                (random) -> new Load(random, LoadClient.Decisive.ANSWER, () -> server.requestEnd()),
                load -> {
                    load.join();
                    server.awaitEnd();
                    server.assertNoComplaints();
                    narrow.endedInOrder();
                    wide.endedInOrder();
                });
    }

    private interface Begin {
        Load of(Random random);
    }

    private interface End {
        void of(Load load) throws Exception;
    }

    private void run(Path directory, String name, Begin begin, End end) throws Exception {
        long seed = Long.getLong("fdbnbd.seed", 20_261_122L);
        System.out.println(getClass().getSimpleName() + ": " + name + ", fdbnbd.seed=" + seed);
        try (ServeProcess process = new ServeProcess(directory, store(directory)).with(arguments())) {
            server = process;
            long bytes = (long) SECTORS * Stamp.SECTOR_BYTES;
            process.volume(narrow.volume(), Long.toString(bytes)).start();
            process.volumeCommand(
                    "create", wide.volume(), Long.toString(bytes), "--block-size", "64K", "--compression", "zstd");
            process.stop();
            for (int round = 0; round < ROUNDS; round++) {
                try {
                    playRound(new Random(seed + round), begin, end);
                } catch (Throwable e) {
                    throw new AssertionError(
                            name + ", round " + round + ", fdbnbd.seed=" + seed + "; the server said:\n"
                                    + process.log(),
                            e);
                }
            }
            startAgain();
            process.requestEnd();
            process.awaitEnd();
        }
    }

    private void playRound(Random random, Begin begin, End end) throws Exception {
        committed = random.nextBoolean();
        startAgain("--ack", committed ? "committed" : "buffered");
        mayBeUnclean = false;
        Load load = begin.of(random);
        load.start(List.of(server.tcp(), server.unix()), List.of(narrow, wide), committed, random);
        load.awaitEnd();
        end.of(load);
    }

    /** What a crash may have left a gap in is refused until the clients, which begin anew here, are said to. */
    private void startAgain(String... arguments) throws Exception {
        server.start(arguments);
        List<String> refused = new ArrayList<>();
        for (Ledger ledger : List.of(narrow, wide)) {
            if (ledger.hasVolatile() || (mayBeUnclean && !isAttachable(ledger))) {
                String sentence = NbdTestClient.refusalOf(server.tcp(), ledger.volume());
                assertTrue(sentence.contains("`fdb-nbd volume recover '" + ledger.volume() + "'`"), sentence);
                refused.add(ledger.volume());
            }
        }
        if (!refused.isEmpty()) {
            accept(server, refused, arguments);
        }
        checkSurvivors();
    }

    /** Even without a gap, as far as clients can tell: the server may not know yet that all is stored. */
    private boolean isAttachable(Ledger ledger) throws IOException {
        try (NbdTestClient client = NbdTestClient.connect(server.tcp())) {
            client.greet();
            return client.go(ledger.volume()) == Nbd.REP_ACK;
        }
    }

    private void checkSurvivors() throws IOException {
        for (Ledger ledger : List.of(narrow, wide)) {
            try (NbdTestClient client = NbdTestClient.attach(server.tcp(), ledger.volume())) {
                for (int first = 0; first < ledger.sectorCount(); first += CHECK_SECTORS) {
                    byte[] data = client.read((long) first * Stamp.SECTOR_BYTES, CHECK_SECTORS * Stamp.SECTOR_BYTES);
                    ledger.checkSurvivors(first, data);
                }
                client.disconnect();
            }
        }
    }
}
