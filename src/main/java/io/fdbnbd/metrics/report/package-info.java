/**
 * What people see of interval logs: pages with charts, tables, JSON. It may import {@code metrics} and {@code util}.
 */
@NullMarked
package io.fdbnbd.metrics.report;

import org.jspecify.annotations.NullMarked;
