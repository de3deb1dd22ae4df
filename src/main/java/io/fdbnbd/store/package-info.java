/**
 * The interface to ordered keys: consistent reads, atomic batches, limits and typed failures. It may import only
 * {@code util}; above it nobody knows which implementation is underneath.
 */
@NullMarked
package io.fdbnbd.store;

import org.jspecify.annotations.NullMarked;
