/**
 * The store in an embedded RocksDB, the default for one machine; the only package that may import
 * {@code org.rocksdb}. Besides that it may import {@code store} and {@code util}.
 */
@NullMarked
package io.fdbnbd.store.rocks;

import org.jspecify.annotations.NullMarked;
