package io.fdbnbd.store.rocks;

import io.fdbnbd.store.Batch;
import io.fdbnbd.store.Bits;
import io.fdbnbd.store.KeyRange;
import io.fdbnbd.store.StoreException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.rocksdb.RocksDBException;
import org.rocksdb.WriteBatch;

/**
 * A batch as RocksDB takes it. One native call an operation: writing RocksDB's own format in Java and handing it over
 * in one piece was measured to cost twice as much, because it copies every value once more.
 */
final class NativeBatch implements Batch.Operations, AutoCloseable {
    /** A change of bits, which needs the value that it changes. */
    private record BitChange(byte[] key, byte[] bits, boolean sets) {}

    /** The newest value of a key, of what was committed before. */
    interface Values {
        byte @Nullable [] get(byte[] key) throws RocksDBException;
    }

    private final WriteBatch written = new WriteBatch();
    private final List<KeyRange> cleared = new ArrayList<>(0);
    private final List<BitChange> bitChanges = new ArrayList<>(0);

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
            cleared.add(new KeyRange(begin, end, 1));
        } catch (RocksDBException e) {
            throw new Refused(e);
        }
    }

    @Override
    public void setBits(byte[] key, byte[] bits) {
        bitChanges.add(new BitChange(key, bits, true));
    }

    @Override
    public void clearBits(byte[] key, byte[] bits) {
        bitChanges.add(new BitChange(key, bits, false));
    }

    /** Turns changes of bits into values. From here on until this is written, nothing else may be. */
    void resolveBits(Values values) throws RocksDBException {
        Map<ByteBuffer, byte[]> changed = new HashMap<>();
        for (BitChange change : bitChanges) {
            ByteBuffer key = ByteBuffer.wrap(change.key());
            byte[] before = changed.get(key);
            if (before == null && !isCleared(change.key())) {
                before = values.get(change.key());
            }
            byte[] after = change.sets() ? Bits.set(before, change.bits()) : Bits.clear(before, change.bits());
            changed.put(key, after == null ? new byte[change.bits().length] : after);
            if (after != null) {
                written.put(change.key(), after);
            } else {
                written.delete(change.key());
            }
        }
        bitChanges.clear();
    }

    private boolean isCleared(byte[] key) {
        return cleared.stream()
                .anyMatch(range -> Arrays.compareUnsigned(range.begin(), key) <= 0
                        && Arrays.compareUnsigned(key, range.end()) < 0);
    }

    @Override
    public void close() {
        written.close();
    }
}
