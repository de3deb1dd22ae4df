package io.fdbnbd.metrics;

/** Takes what is measured of one volume. Any thread; no call waits, and none fails. */
public interface Meter extends AutoCloseable {

    /** For whom nobody measures. */
    Meter NONE = new Meter() {
        @Override
        public boolean isOn() {
            return false;
        }

        @Override
        public long now() {
            return 0;
        }

        @Override
        public void record(Measure measure, long value, long count) {}

        @Override
        public void count(Measure measure, long number) {}

        @Override
        public void close() {}
    };

    /** Whether anything becomes of what is noted: if not, nothing needs to be put together for it. */
    boolean isOn();

    /** The time to measure by, in nanoseconds as {@link io.fdbnbd.util.Ticker} has them; 0 exactly while this is off. */
    long now();

    /**
     * Notes that a value was seen {@code count} times.
     *
     * @param measure one that is recorded
     * @param value in the measure's unit; what lies outside of what is recorded is taken for the nearest that is
     * @param count not negative
     */
    void record(Measure measure, long value, long count);

    /**
     * Notes {@code count} times what has passed since {@code beganNanos}, a {@link #now}. Nothing if this was off then, or
     * is now.
     */
    default void recordSince(Measure measure, long beganNanos, long count) {
        if (beganNanos != 0 && isOn()) {
            record(measure, now() - beganNanos, count);
        }
    }

    /** Notes {@code number} more of what is counted. */
    void count(Measure measure, long number);

    /** Nothing follows: the volume was closed. */
    @Override
    void close();
}
