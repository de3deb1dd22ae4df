/**
 * A load generator for any NBD server. {@link io.fdbnbd.bench.Bench} runs it, a {@link io.fdbnbd.bench.Lane} is one
 * connection of it, and a {@link io.fdbnbd.bench.BenchPlan} says what is asked of the server.
 */
@NullMarked
package io.fdbnbd.bench;

import org.jspecify.annotations.NullMarked;
