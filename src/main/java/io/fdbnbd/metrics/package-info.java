/**
 * Counters, latency recorders, and the reports made of them. It may import only {@code util}.
 */
@NullMarked
package io.fdbnbd.metrics;

import org.jspecify.annotations.NullMarked;
