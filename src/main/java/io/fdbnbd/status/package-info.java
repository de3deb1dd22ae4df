/**
 * How a server is, for those who watch it: the status document, what Prometheus takes, and the HTTP endpoint that gives
 * both. It may import only {@code volume}, {@code metrics} and {@code util}.
 */
@NullMarked
package io.fdbnbd.status;

import org.jspecify.annotations.NullMarked;
