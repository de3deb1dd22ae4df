package io.fdbnbd.store;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The claim that {@code key} holds {@code value} (null: that it is absent). A batch under a guard commits only while
 * the claim is true; this is how an owner fences out whoever it took over from.
 *
 * <p>Equality is by contents, so that a store may remember when it last saw a guard hold.
 */
public record Guard(byte[] key, byte @Nullable [] value) {

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Guard that && Arrays.equals(key, that.key) && Arrays.equals(value, that.value);
    }

    @Override
    public int hashCode() {
        return 31 * Arrays.hashCode(key) + Arrays.hashCode(value);
    }
}
