/**
 * The NBD wire: its numbers, codecs and validation, without sockets and without threads. It may import only
 * {@code util}.
 */
@NullMarked
package io.fdbnbd.nbd;

import org.jspecify.annotations.NullMarked;
