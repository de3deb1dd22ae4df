package io.fdbnbd.util;

/**
 * The clock seam: code that measures or waits takes one of these, so that a test can turn time by hand. Values are
 * monotonic nanoseconds from an unnamed start; only differences mean anything ({@code b - a}, never {@code b < a}).
 */
@FunctionalInterface
public interface Ticker {
    /** The machine's monotonic clock. */
    Ticker SYSTEM = System::nanoTime;

    long nanoTime();
}
