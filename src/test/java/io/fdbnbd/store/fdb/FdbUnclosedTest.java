package io.fdbnbd.store.fdb;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.apple.foundationdb.Database;
import com.apple.foundationdb.Transaction;
import io.fdbnbd.store.Batch;
import io.fdbnbd.store.Guard;
import io.fdbnbd.store.KeyRange;
import io.fdbnbd.store.StoreException;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** Every transaction is closed, on every path: fdb-java says so of those that the garbage collector finds open. */
@ExtendWith(FdbCluster.class)
@Timeout(120)
class FdbUnclosedTest {

    private static final byte[] KEY = {'k'};
    private static final int ROUNDS = 3000;

    private final ByteArrayOutputStream said = new ByteArrayOutputStream();

    @Test
    void noTransactionIsLeftOpen() throws Exception {
        PrintStream before = System.err;
        try (PrintStream listening = new PrintStream(said, true, StandardCharsets.UTF_8)) {
            System.setErr(listening);
            useTheStore();
            leaveOneOpen();
            collectUntilSomethingIsSaid();
            assertEquals(1, unclosed(), () -> said.toString(StandardCharsets.UTF_8));
        } finally {
            System.setErr(before);
        }
    }

    private static void useTheStore() throws Exception {
        try (FdbStore store = FdbCluster.shared().openStore("unclosed/")) {
            store.commit(new Batch().set(KEY, KEY));
            Guard holds = new Guard(KEY, KEY);
            Guard broken = new Guard(KEY, null);
            for (int i = 0; i < ROUNDS; i++) {
                store.read(holds, List.of(KeyRange.ofKey(KEY)), (key, value) -> {});
                store.read(holds, List.of(new KeyRange(KEY, new byte[] {'z'}, 10)), (key, value) -> {});
                if (i % 10 == 0) {
                    store.commit(new Batch().require(holds).set(new byte[] {'l'}, KEY));
                    store.get(KEY);
                    assertThrows(
                            StoreException.class,
                            () -> store.commit(new Batch().require(broken).clear(KEY)));
                    assertThrows(StoreException.class, () -> store.read(broken, List.of(), (key, value) -> {}));
                }
            }
        }
    }

    /** Without this, nothing said would prove nothing. */
    @SuppressWarnings("MustBeClosed")
    private static void leaveOneOpen() throws Exception {
        Database database =
                FdbClient.load().open(FdbCluster.shared().clusterFile().toString(), Runnable::run);
        Transaction transaction = database.createTransaction(Runnable::run);
        assertTrue(transaction.getReadVersion().join() > 0);
        database.close();
    }

    @SuppressWarnings({"removal", "deprecation"})
    private void collectUntilSomethingIsSaid() {
        while (unclosed() == 0) {
            System.gc();
            System.runFinalization();
        }
        System.gc();
        System.runFinalization();
    }

    private long unclosed() {
        return said.toString(StandardCharsets.UTF_8)
                .lines()
                .filter(line -> line.contains("Transaction not closed"))
                .count();
    }
}
