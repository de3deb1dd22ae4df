/**
 * The store in memory, for tests: it obeys the limits of FoundationDB exactly, so that tests meet them. It may import
 * {@code store} and {@code util}.
 */
@NullMarked
package io.fdbnbd.store.memory;

import org.jspecify.annotations.NullMarked;
