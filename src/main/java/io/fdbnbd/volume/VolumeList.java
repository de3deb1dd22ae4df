package io.fdbnbd.volume;

import java.util.List;

/**
 * The volumes of a store, by the order of their names' UTF-8 bytes.
 *
 * @param unreadable those that are there, but whose records can not be read
 */
public record VolumeList(List<VolumeInfo> volumes, List<Unreadable> unreadable) {

    /**
     * A volume of which the name alone is known.
     *
     * @param cause DAMAGED or FUTURE_FORMAT; its message names the volume, and says what to do
     */
    public record Unreadable(String name, VolumeException cause) {}
}
