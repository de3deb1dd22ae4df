package io.fdbnbd.volume;

import org.jspecify.annotations.Nullable;

/** Learns the fate of a write. */
@FunctionalInterface
public interface CommitListener {

    /**
     * Called once, when all of the write has committed or will never. On the committer's thread, or on the writer's own:
     * it must not wait and must not throw.
     *
     * @param failure null if it has committed; it is durable then, or after the next {@link Volume#sync}, as
     *     {@link Volume#answersWhenCommitted} says
     */
    void committed(@Nullable VolumeException failure);
}
