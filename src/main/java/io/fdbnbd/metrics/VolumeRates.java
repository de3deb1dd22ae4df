package io.fdbnbd.metrics;

import java.util.EnumMap;
import java.util.Map;
import org.HdrHistogram.Histogram;

/**
 * What a volume has done lately.
 *
 * @param commands those of which something came within the window that latencies are of
 * @param bytesInPerSecond of WRITEs, in the last interval
 * @param bytesOutPerSecond of READs, in the last interval
 * @param errorsPerSecond requests that were answered with an error, in the last interval
 */
public record VolumeRates(
        Map<Measure, Command> commands, double bytesInPerSecond, double bytesOutPerSecond, double errorsPerSecond) {

    public static final VolumeRates NONE = new VolumeRates(Map.of(), 0, 0, 0);

    /**
     * One command.
     *
     * @param perSecond in the last interval
     * @param p50Nanos half of the latencies of the window were at most this; so the others
     */
    public record Command(double perSecond, long p50Nanos, long p99Nanos, long p999Nanos, long maxNanos) {}

    /** @param seconds how long the last interval was */
    static VolumeRates of(Map<Measure, Histogram> last, Map<Measure, Histogram> window, double seconds) {
        Map<Measure, Command> commands = new EnumMap<>(Measure.class);
        window.forEach((measure, latencies) -> {
            if (measure.isCommand()) {
                commands.put(
                        measure,
                        new Command(
                                count(last, measure) / seconds,
                                latencies.getValueAtPercentile(50),
                                latencies.getValueAtPercentile(99),
                                latencies.getValueAtPercentile(99.9),
                                latencies.getMaxValue()));
            }
        });
        return new VolumeRates(
                commands,
                count(last, Measure.BYTES_IN) / seconds,
                count(last, Measure.BYTES_OUT) / seconds,
                count(last, Measure.ERRORS) / seconds);
    }

    private static double count(Map<Measure, Histogram> interval, Measure measure) {
        Histogram histogram = interval.get(measure);
        return histogram == null ? 0 : histogram.getTotalCount();
    }
}
