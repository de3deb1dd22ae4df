/**
 * Catalog, volumes, write buffer, committer, ownership and layers: what makes a disk out of ordered keys. It may import
 * {@code store} (the interface, never one of its implementations), {@code metrics} and {@code util}.
 */
@NullMarked
package io.fdbnbd.volume;

import org.jspecify.annotations.NullMarked;
