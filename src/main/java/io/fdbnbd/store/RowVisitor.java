package io.fdbnbd.store;

/** Is shown the pairs that a read finds. Called on the reading thread, during the read only. */
@FunctionalInterface
public interface RowVisitor {

    /** One pair. The arrays may be kept, not changed. */
    void row(byte[] key, byte[] value);
}
