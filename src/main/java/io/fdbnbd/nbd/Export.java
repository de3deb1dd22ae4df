package io.fdbnbd.nbd;

import static io.fdbnbd.util.Checks.checkArgument;

/**
 * What a client is told of an export.
 *
 * @param name the export's own name, also where the client asked for the default export with an empty one
 * @param flags the transmission flags
 * @param preferredBytes the block size that costs least, a power of two and at least 512
 * @param tellsAllocation whether the client has selected the context {@link Nbd#ALLOCATION_CONTEXT} for it
 */
public record Export(String name, long sizeBytes, int flags, int preferredBytes, boolean tellsAllocation) {

    /** One for which no context was selected. */
    public Export(String name, long sizeBytes, int flags, int preferredBytes) {
        this(name, sizeBytes, flags, preferredBytes, false);
    }

    public Export {
        checkArgument(sizeBytes >= 0, "an export's size must not be negative");
        checkArgument(
                preferredBytes >= Nbd.BLOCK_BYTES_PREFERRED_MIN && Integer.bitCount(preferredBytes) == 1,
                "an export's preferred block size must be a power of two and at least 512");
    }

    Export with(int flag) {
        return new Export(name, sizeBytes, flags | flag, preferredBytes, tellsAllocation);
    }

    Export tellingAllocation(boolean tells) {
        return new Export(name, sizeBytes, flags, preferredBytes, tells);
    }

    public boolean has(int flag) {
        return (flags & flag) != 0;
    }
}
