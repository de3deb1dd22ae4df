package io.fdbnbd.volume;

import static io.fdbnbd.volume.VolumeException.Kind.DAMAGED;
import static io.fdbnbd.volume.VolumeException.Kind.EXISTS;
import static io.fdbnbd.volume.VolumeException.Kind.FUTURE_FORMAT;
import static io.fdbnbd.volume.VolumeException.Kind.IO;
import static io.fdbnbd.volume.VolumeException.Kind.MISSING;

import io.fdbnbd.store.Batch;
import io.fdbnbd.store.Guard;
import io.fdbnbd.store.KeyRange;
import io.fdbnbd.store.Store;
import io.fdbnbd.store.StoreException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The volumes of a store, by name. Stateless: every call asks the store, so that several servers see the same. Calls
 * wait for the store.
 */
public final class Catalog {

    static final int FORMAT_VERSION = 1;

    private static final byte[] FORMAT_NAME = "fdb-nbd".getBytes(StandardCharsets.US_ASCII);

    /** Attempts of a change that loses a race against another server; each loss means that somebody else won. */
    private static final int ATTEMPTS_MAX = 100;

    private static final int LIST_ROWS_MAX = 1000;

    private final Store store;
    private final InstantSource clock;

    public Catalog(Store store, InstantSource clock) {
        this.store = store;
        this.clock = clock;
    }

    /** Throws FUTURE_FORMAT or DAMAGED if this program must not touch the store. */
    public void checkFormat() throws VolumeException {
        checkFormat(get(Keys.format()));
    }

    private static void checkFormat(byte @Nullable [] value) throws VolumeException {
        if (value == null) {
            return;
        }
        if (value.length != FORMAT_NAME.length + Short.BYTES
                || !Arrays.equals(value, 0, FORMAT_NAME.length, FORMAT_NAME, 0, FORMAT_NAME.length)) {
            throw new VolumeException(DAMAGED, "the store's format record is damaged, or the store is not fdb-nbd's");
        }
        int version = Short.toUnsignedInt(ByteBuffer.wrap(value).getShort(FORMAT_NAME.length));
        if (version > FORMAT_VERSION) {
            throw new VolumeException(
                    FUTURE_FORMAT,
                    "the store has format version " + version + " and this fdb-nbd knows " + FORMAT_VERSION
                            + ": use the newer fdb-nbd that wrote it");
        }
    }

    public Optional<VolumeInfo> find(String name) throws VolumeException {
        byte[] nameBytes = VolumeSpec.nameBytes(name);
        byte[] value = get(Keys.volume(nameBytes));
        return value == null ? Optional.empty() : Optional.of(VolumeRecord.decode(nameBytes, value));
    }

    /** All volumes, in the order of their names' UTF-8 bytes. */
    public List<VolumeInfo> list() throws VolumeException {
        checkFormat();
        List<byte[]> keys = new ArrayList<>();
        List<byte[]> values = new ArrayList<>();
        byte[] begin = Keys.volumesBegin();
        int before;
        do {
            before = keys.size();
            try {
                store.read(null, List.of(new KeyRange(begin, Keys.volumesEnd(), LIST_ROWS_MAX)), (key, value) -> {
                    keys.add(key);
                    values.add(value);
                });
            } catch (StoreException e) {
                throw VolumeException.of(e);
            }
            if (!keys.isEmpty()) {
                byte[] last = keys.getLast();
                begin = Arrays.copyOf(last, last.length + 1);
            }
        } while (keys.size() - before == LIST_ROWS_MAX);
        List<VolumeInfo> volumes = new ArrayList<>(keys.size());
        for (int i = 0; i < keys.size(); i++) {
            volumes.add(VolumeRecord.decode(Keys.nameOf(keys.get(i)), values.get(i)));
        }
        return volumes;
    }

    /** Creates a volume. Throws INVALID, EXISTS, FUTURE_FORMAT, DAMAGED or IO; nothing has changed then. */
    public VolumeInfo create(VolumeSpec spec) throws VolumeException {
        spec.validate();
        byte[] volumeKey = Keys.volume(VolumeSpec.nameBytes(spec.name()));
        VolumeInfo info = change("create", () -> {
            byte[] format = get(Keys.format());
            checkFormat(format);
            if (get(volumeKey) != null) {
                throw new VolumeException(EXISTS, "there is a volume '" + spec.name() + "' already");
            }
            byte[] next = get(Keys.nextLayer());
            int layer = next == null ? 1 : ByteBuffer.wrap(next).getInt();
            VolumeInfo created = new VolumeInfo(
                    spec.name(),
                    spec.sizeBytes(),
                    spec.blockBytes(),
                    spec.compression(),
                    clock.instant().truncatedTo(ChronoUnit.MILLIS),
                    layer);
            Batch batch = new Batch()
                    .require(new Guard(Keys.format(), format))
                    .require(new Guard(volumeKey, null))
                    .require(new Guard(Keys.nextLayer(), next))
                    .set(volumeKey, VolumeRecord.encode(created))
                    .set(Keys.nextLayer(), intBytes(Math.incrementExact(layer)));
            if (format == null) {
                batch.set(Keys.format(), formatValue());
            }
            store.commit(batch);
            return created;
        });
        sync();
        return info;
    }

    /**
     * Removes a volume and everything stored for it, whoever has it attached: that server loses its ownership. Costs the
     * same for any size.
     *
     * @throws VolumeException MISSING, DAMAGED (a damaged record is kept) or IO; nothing has changed then
     */
    public void delete(String name) throws VolumeException {
        byte[] nameBytes = VolumeSpec.nameBytes(name);
        byte[] volumeKey = Keys.volume(nameBytes);
        change("delete", () -> {
            byte[] record = get(volumeKey);
            if (record == null) {
                throw missing(name);
            }
            int layer = VolumeRecord.decode(nameBytes, record).layer();
            store.commit(new Batch()
                    .require(new Guard(volumeKey, record))
                    .clear(volumeKey)
                    .clear(Keys.owner(layer))
                    .clear(Keys.lease(layer))
                    .clearRange(Keys.data(layer, 0), Keys.data(layer, -1L)));
            return layer;
        });
        sync();
    }

    static VolumeException missing(String name) {
        return new VolumeException(MISSING, "there is no volume '" + name + "': see `fdb-nbd volume list`");
    }

    private interface Change<T> {
        T attempt() throws StoreException, VolumeException;
    }

    /** Repeats a read-check-write until its guards hold; every change here is safe to see half-known and to redo. */
    private static <T> T change(String what, Change<T> change) throws VolumeException {
        StoreException last = null;
        for (int attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
            try {
                return change.attempt();
            } catch (StoreException e) {
                if (e.kind() != StoreException.Kind.GUARD_LOST && e.kind() != StoreException.Kind.RETRYABLE) {
                    throw VolumeException.of(e);
                }
                last = e;
            }
        }
        throw new VolumeException(IO, what + " kept losing against other changes of the catalog: try again", last);
    }

    private byte @Nullable [] get(byte[] key) throws VolumeException {
        try {
            return store.get(key);
        } catch (StoreException e) {
            throw VolumeException.of(e);
        }
    }

    private void sync() throws VolumeException {
        try {
            store.sync();
        } catch (StoreException e) {
            throw VolumeException.of(e);
        }
    }

    private static byte[] formatValue() {
        return ByteBuffer.allocate(FORMAT_NAME.length + Short.BYTES)
                .put(FORMAT_NAME)
                .putShort((short) FORMAT_VERSION)
                .array();
    }

    private static byte[] intBytes(int value) {
        return ByteBuffer.allocate(Integer.BYTES).putInt(value).array();
    }
}
