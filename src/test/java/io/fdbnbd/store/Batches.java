package io.fdbnbd.store;

/** For stores that keep a batch beyond its commit: its values are its caller's again by then. */
public final class Batches {

    private Batches() {}

    /** The same batch with values of its own. */
    public static Batch copyOf(Batch batch) {
        Batch copy = new Batch();
        batch.guards().forEach(copy::require);
        try {
            batch.forEach(new Batch.Operations() {
                @Override
                public void set(byte[] key, byte[] value) {
                    copy.set(key, value.clone());
                }

                @Override
                public void clear(byte[] key) {
                    copy.clear(key);
                }

                @Override
                public void clearRange(byte[] begin, byte[] end) {
                    copy.clearRange(begin, end);
                }

                @Override
                public void setBits(byte[] key, byte[] bits) {
                    copy.setBits(key, bits.clone());
                }

                @Override
                public void clearBits(byte[] key, byte[] bits) {
                    copy.clearBits(key, bits.clone());
                }
            });
        } catch (StoreException e) {
            throw new IllegalStateException(e);
        }
        return copy;
    }
}
