package io.fdbnbd.cli;

import java.io.IOException;

/** How a {@code volume} command gets at the volumes. */
@FunctionalInterface
interface Reach {

    /** Performs the action where the volumes are, and returns its exit code. */
    int perform(VolumeAction action) throws IOException;
}
