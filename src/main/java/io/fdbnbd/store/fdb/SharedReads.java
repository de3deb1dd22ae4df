package io.fdbnbd.store.fdb;

import com.apple.foundationdb.Transaction;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.function.LongFunction;
import org.jspecify.annotations.Nullable;

/**
 * The transaction that all reads at a reused version share. Making one for every read, giving it its version and closing
 * it would be four tasks of five on the client's one network thread, which is what limits small reads.
 *
 * <p>Only for snapshot reads: nothing is ever written or committed in it, and the failure of one read is none of the
 * others'. Any thread.
 */
final class SharedReads {

    /** The client keeps some bytes for every read of a transaction until that is closed. */
    private static final int READS_MAX = 1000;

    /** A transaction and its users; closed by the last of them. */
    final class Share implements AutoCloseable {
        private final long version;
        private final Transaction transaction;

        /** One for being the newest, and one for each read under way; once at zero it stays there. */
        private final AtomicInteger users = new AtomicInteger(1);

        private final AtomicInteger reads = new AtomicInteger();

        private Share(long version) {
            this.version = version;
            this.transaction = opener.apply(version);
        }

        Transaction transaction() {
            return transaction;
        }

        private boolean enter() {
            int before;
            do {
                before = users.get();
                if (before == 0) {
                    return false;
                }
            } while (!users.compareAndSet(before, before + 1));
            return true;
        }

        /** For each {@link #at}, when all futures of the read have completed. */
        @Override
        public void close() {
            if (users.decrementAndGet() == 0) {
                closer.accept(transaction);
            }
        }
    }

    private final LongFunction<Transaction> opener;
    private final Consumer<Transaction> closer;
    private final AtomicReference<@Nullable Share> newest = new AtomicReference<>();

    /** @param opener makes a transaction that reads at a version */
    SharedReads(LongFunction<Transaction> opener, Consumer<Transaction> closer) {
        this.opener = opener;
        this.closer = closer;
    }

    /** A transaction that reads at a version or a newer one that somebody asked for here. The caller closes the share. */
    Share at(long version) {
        while (true) {
            Share share = newest.get();
            if (share != null && share.version >= version && share.reads.incrementAndGet() <= READS_MAX) {
                if (share.enter()) {
                    return share;
                }
                continue;
            }
            Share next = new Share(version);
            if (newest.compareAndSet(share, next)) {
                if (share != null) {
                    share.close();
                }
            } else {
                next.close();
            }
        }
    }

    /** Lets later reads have another transaction than this one. */
    void retire(Share share) {
        if (newest.compareAndSet(share, null)) {
            share.close();
        }
    }

    /** Lets go of the newest. No read may follow. */
    void close() {
        Share share = newest.getAndSet(null);
        if (share != null) {
            share.close();
        }
    }
}
