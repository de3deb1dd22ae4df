package io.fdbnbd.store;

/** Is shown the pairs that a read finds. Called on the reading thread, during the read only. */
@FunctionalInterface
public interface RowVisitor {

    /**
     * One pair. Neither array may be changed. The key may be kept; the value is the store's, which may reuse it as soon
     * as this returns. Must neither wait nor call the store.
     */
    void row(byte[] key, byte[] value);
}
