/**
 * Sockets, connections, threads and TLS; this is where an error of a volume becomes an error of NBD. It may import
 * {@code nbd}, {@code volume}, {@code metrics} and {@code util}.
 */
@NullMarked
package io.fdbnbd.server;

import org.jspecify.annotations.NullMarked;
