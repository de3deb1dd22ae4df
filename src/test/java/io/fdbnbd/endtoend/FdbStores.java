package io.fdbnbd.endtoend;

import io.fdbnbd.store.fdb.FdbCluster;
import java.io.IOException;
import java.util.UUID;

/** Stores on the cluster that tests share. */
final class FdbStores {
    private FdbStores() {}

    /** One that nobody else has, as {@code --store} takes it. */
    static String fresh() throws IOException {
        return "fdb:" + FdbCluster.shared().clusterFile() + "?prefix=" + UUID.randomUUID();
    }
}
