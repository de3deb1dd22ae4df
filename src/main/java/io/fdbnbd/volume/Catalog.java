package io.fdbnbd.volume;

import static io.fdbnbd.volume.VolumeException.Kind.DAMAGED;
import static io.fdbnbd.volume.VolumeException.Kind.EXISTS;
import static io.fdbnbd.volume.VolumeException.Kind.FUTURE_FORMAT;
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

    /** Version 1 had no allocation map; no release has written it. */
    static final int FORMAT_VERSION = 2;

    private static final byte[] FORMAT_NAME = "fdb-nbd".getBytes(StandardCharsets.US_ASCII);

    /** Attempts of a call that fails in a way that passes, or loses a race against another server: half a minute. */
    private static final int ATTEMPTS_MAX = 80;

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
        if (version == 0) {
            throw new VolumeException(DAMAGED, "the store's format record is damaged: it has version 0");
        }
        if (version > FORMAT_VERSION) {
            throw new VolumeException(
                    FUTURE_FORMAT,
                    "the store has format version " + version + " and this fdb-nbd knows " + FORMAT_VERSION
                            + ": use the newer fdb-nbd that wrote it");
        }
        if (version < FORMAT_VERSION) {
            throw new VolumeException(
                    FUTURE_FORMAT,
                    "the store has format version " + version + " and this fdb-nbd knows " + FORMAT_VERSION
                            + " only: serve it by the fdb-nbd that wrote it, and copy its volumes to a new store");
        }
    }

    /** One volume. Throws INVALID, FUTURE_FORMAT, DAMAGED or IO. */
    public Optional<VolumeInfo> find(String name) throws VolumeException {
        byte[] nameBytes = VolumeSpec.nameBytes(name);
        checkFormat();
        byte[] value = get(Keys.volume(nameBytes));
        return value == null ? Optional.empty() : Optional.of(VolumeRecord.decode(nameBytes, value));
    }

    /** All volumes. Throws FUTURE_FORMAT or DAMAGED if the store is, and IO; of a single volume that is in the list. */
    public VolumeList list() throws VolumeException {
        checkFormat();
        List<byte[]> keys = new ArrayList<>();
        List<byte[]> values = new ArrayList<>();
        byte[] begin = Keys.volumesBegin();
        List<byte[]> page;
        do {
            page = readPage(begin, keys, values);
            if (!page.isEmpty()) {
                byte[] last = page.getLast();
                begin = Arrays.copyOf(last, last.length + 1);
            }
        } while (page.size() == LIST_ROWS_MAX);
        List<VolumeInfo> volumes = new ArrayList<>(keys.size());
        List<VolumeList.Unreadable> unreadable = new ArrayList<>();
        for (int i = 0; i < keys.size(); i++) {
            byte[] name = Keys.nameOf(keys.get(i));
            try {
                volumes.add(VolumeRecord.decode(name, values.get(i)));
            } catch (VolumeException e) {
                unreadable.add(new VolumeList.Unreadable(new String(name, StandardCharsets.UTF_8), e));
            }
        }
        return new VolumeList(volumes, unreadable);
    }

    /** Adds some volumes from a key on, and returns the keys of those. */
    private List<byte[]> readPage(byte[] begin, List<byte[]> keys, List<byte[]> values) throws VolumeException {
        KeyRange range = new KeyRange(begin, Keys.volumesEnd(), LIST_ROWS_MAX);
        return repeat(() -> {
            List<byte[]> pageKeys = new ArrayList<>();
            List<byte[]> pageValues = new ArrayList<>();
            store.read(null, List.of(range), (key, value) -> {
                pageKeys.add(key);
                pageValues.add(value.clone());
            });
            keys.addAll(pageKeys);
            values.addAll(pageValues);
            return pageKeys;
        });
    }

    /** Creates a volume. Throws INVALID, EXISTS, FUTURE_FORMAT, DAMAGED or IO; nothing has changed then. */
    public VolumeInfo create(VolumeSpec spec) throws VolumeException {
        spec.validate();
        byte[] volumeKey = Keys.volume(VolumeSpec.nameBytes(spec.name()));
        Creation creation = new Creation(spec, volumeKey);
        VolumeInfo info = repeat(creation::attempt);
        sync();
        return info;
    }

    /** Knows what its earlier attempts, whose outcome may be unknown, can have written. */
    private final class Creation {

        private final VolumeSpec spec;
        private final byte[] volumeKey;
        private @Nullable VolumeInfo tried;

        Creation(VolumeSpec spec, byte[] volumeKey) {
            this.spec = spec;
            this.volumeKey = volumeKey;
        }

        VolumeInfo attempt() throws StoreException, VolumeException {
            byte[] format = store.get(Keys.format());
            checkFormat(format);
            byte[] record = store.get(volumeKey);
            if (record != null) {
                if (tried != null && Arrays.equals(record, VolumeRecord.encode(tried))) {
                    return tried;
                }
                throw new VolumeException(EXISTS, "there is a volume '" + spec.name() + "' already");
            }
            byte[] next = store.get(Keys.nextLayer());
            VolumeInfo created = new VolumeInfo(
                    spec.name(),
                    spec.sizeBytes(),
                    spec.blockBytes(),
                    spec.compression(),
                    clock.instant().truncatedTo(ChronoUnit.MILLIS),
                    layer(next, format));
            Batch batch = new Batch()
                    .require(new Guard(Keys.format(), format))
                    .require(new Guard(volumeKey, null))
                    .require(new Guard(Keys.nextLayer(), next))
                    .set(volumeKey, VolumeRecord.encode(created))
                    .set(Keys.nextLayer(), intBytes(Math.incrementExact(created.layer())));
            if (format == null) {
                batch.set(Keys.format(), formatValue());
            }
            try {
                commit(batch);
            } catch (StoreException e) {
                // Not after any other failure: somebody else may create the very same at the very same time.
                if (e.kind() == StoreException.Kind.UNKNOWN_OUTCOME
                        || e.kind() == StoreException.Kind.UNRESOLVED_OUTCOME) {
                    tried = created;
                }
                throw e;
            }
            return created;
        }
    }

    /** The layer number to give next. The record of it is as old as the format's: without it, numbers would come again. */
    private static int layer(byte @Nullable [] next, byte @Nullable [] format) throws VolumeException {
        if (next == null && format == null) {
            return 1;
        }
        int layer = next == null || next.length != Integer.BYTES
                ? 0
                : ByteBuffer.wrap(next).getInt();
        if (layer < 1) {
            throw new VolumeException(
                    DAMAGED, "the store's record of the next layer number is damaged: restore the store from a backup");
        }
        return layer;
    }

    /** {@link #delete(String, Owner)} where no other process can have the volume. */
    public void delete(String name) throws VolumeException {
        delete(name, null);
    }

    /**
     * Removes a volume and everything stored for it. Costs the same for any size.
     *
     * @param owner under whose ownership it is done; without, whoever has the volume attached loses it
     * @throws VolumeException MISSING, DAMAGED (a damaged record is kept), LOST_OWNERSHIP or IO; nothing has changed then
     */
    void delete(String name, @Nullable Owner owner) throws VolumeException {
        byte[] nameBytes = VolumeSpec.nameBytes(name);
        byte[] volumeKey = Keys.volume(nameBytes);
        boolean[] tried = new boolean[1];
        repeat(() -> {
            checkFormat(store.get(Keys.format()));
            byte[] record = store.get(volumeKey);
            if (record == null) {
                if (tried[0]) {
                    return false;
                }
                throw missing(name);
            }
            int layer = VolumeRecord.decode(nameBytes, record).layer();
            tried[0] = true;
            Batch batch = new Batch().require(new Guard(volumeKey, record));
            if (owner != null) {
                owner.checkStillOwner(owner.guard());
                batch.require(owner.guard());
            }
            commit(batch.clear(volumeKey)
                    .clear(Keys.owner(layer))
                    .clear(Keys.lease(layer))
                    .clear(Keys.mark(layer))
                    .clearRange(Keys.data(layer, 0), Keys.data(layer, -1L))
                    .clearRange(Keys.map(layer, 0), Keys.map(layer, -1L)));
            return true;
        });
        sync();
    }

    static VolumeException missing(String name) {
        return new VolumeException(MISSING, "there is no volume '" + name + "': see `fdb-nbd volume list`");
    }

    private byte @Nullable [] get(byte[] key) throws VolumeException {
        byte[][] value = new byte[1][];
        repeat(() -> {
            value[0] = store.get(key);
            return true;
        });
        return value[0];
    }

    /** Commits a change that was made from what was just read. That this is not so any more, passes: it is read anew. */
    private void commit(Batch batch) throws StoreException {
        try {
            store.commit(batch);
        } catch (StoreException e) {
            if (e.kind() == StoreException.Kind.GUARD_LOST) {
                throw new StoreException(
                        StoreException.Kind.RETRYABLE, "other changes of the catalog came first: try again", e);
            }
            throw e;
        }
    }

    private void sync() throws VolumeException {
        repeat(() -> {
            store.sync();
            return true;
        });
    }

    private static <T> T repeat(Attempts.Call<T> call) throws VolumeException {
        try (Backoff backoff = Backoff.exponential(1, 500)) {
            return Attempts.repeat(ATTEMPTS_MAX, backoff, call);
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
