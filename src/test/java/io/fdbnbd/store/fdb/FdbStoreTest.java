package io.fdbnbd.store.fdb;

import io.fdbnbd.store.Batch;
import io.fdbnbd.store.Store;
import io.fdbnbd.store.StoreContract;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.extension.ExtendWith;

/** On a cluster of its own, without a prefix, so that limits are met exactly. Time goes on, and jumps when told to. */
@ExtendWith(FdbCluster.class)
class FdbStoreTest extends StoreContract {

    private static FdbCluster cluster;

    private final AtomicLong jumpedNanos = new AtomicLong();

    @BeforeAll
    static void startCluster() throws Exception {
        cluster = FdbCluster.start();
    }

    @Override
    protected Store openEmpty() throws Exception {
        Store store = FdbStore.open(cluster.location(""), () -> System.nanoTime() + jumpedNanos.get());
        store.commit(new Batch().clearRange(new byte[0], new byte[] {(byte) 0xff}));
        return store;
    }

    @Override
    protected void awaitGuardAge() {
        jumpedNanos.addAndGet(2 * store.limits().guardAgeMax().toNanos());
    }
}
