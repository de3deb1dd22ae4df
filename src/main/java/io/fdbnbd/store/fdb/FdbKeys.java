package io.fdbnbd.store.fdb;

import java.util.Arrays;

/** Puts a store's keys under its prefix in the cluster, and takes them out again. */
final class FdbKeys {

    private final byte[] prefix;

    FdbKeys(byte[] prefix) {
        this.prefix = prefix;
    }

    byte[] of(byte[] key) {
        byte[] prefixed = Arrays.copyOf(prefix, prefix.length + key.length);
        System.arraycopy(key, 0, prefixed, prefix.length, key.length);
        return prefixed;
    }

    byte[] without(byte[] prefixed) {
        return Arrays.copyOfRange(prefixed, prefix.length, prefixed.length);
    }
}
