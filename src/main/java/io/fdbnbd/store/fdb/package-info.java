/**
 * The store in FoundationDB; the only package that may import {@code com.apple.foundationdb}, and the only one that
 * joins futures. Besides that it may import {@code store} and {@code util}.
 */
@NullMarked
package io.fdbnbd.store.fdb;

import org.jspecify.annotations.NullMarked;
