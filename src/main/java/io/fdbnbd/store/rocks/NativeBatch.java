package io.fdbnbd.store.rocks;

import io.fdbnbd.store.Batch;
import io.fdbnbd.store.StoreException;
import org.rocksdb.RocksDBException;
import org.rocksdb.WriteBatch;

/**
 * A batch as RocksDB takes it. One native call an operation: writing RocksDB's own format in Java and handing it over
 * in one piece was measured to cost twice as much, because it copies every value once more.
 */
final class NativeBatch implements Batch.Operations, AutoCloseable {
    private final WriteBatch written = new WriteBatch();

    static NativeBatch of(Batch batch) throws RocksDBException, StoreException {
        NativeBatch made = new NativeBatch();
        try {
            batch.forEach(made);
            return made;
        } catch (Refused e) {
            made.close();
            throw e.status;
        } catch (StoreException | RuntimeException e) {
            made.close();
            throw e;
        }
    }

    /** Carries RocksDB's exception past an interface that does not know it. */
    private static final class Refused extends RuntimeException {
        private static final long serialVersionUID = 1L;
        private final RocksDBException status;

        Refused(RocksDBException status) {
            super(status);
            this.status = status;
        }
    }

    WriteBatch batch() {
        return written;
    }

    @Override
    public void set(byte[] key, byte[] value) {
        try {
            written.put(key, value);
        } catch (RocksDBException e) {
            throw new Refused(e);
        }
    }

    @Override
    public void clear(byte[] key) {
        try {
            written.delete(key);
        } catch (RocksDBException e) {
            throw new Refused(e);
        }
    }

    @Override
    public void clearRange(byte[] begin, byte[] end) {
        try {
            written.deleteRange(begin, end);
        } catch (RocksDBException e) {
            throw new Refused(e);
        }
    }

    @Override
    public void close() {
        written.close();
    }
}
