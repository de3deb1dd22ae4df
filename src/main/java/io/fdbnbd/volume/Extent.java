package io.fdbnbd.volume;

/**
 * Bytes of a volume that are all stored, or all not: those read as zeroes.
 *
 * @param bytes at least 1
 */
public record Extent(long bytes, boolean stored) {}
