package io.fdbnbd.nbd;

/**
 * A part of the answer to BLOCK_STATUS.
 *
 * @param bytes at least 1
 * @param flags {@code Nbd.STATE_*}
 */
public record StatusExtent(long bytes, int flags) {}
