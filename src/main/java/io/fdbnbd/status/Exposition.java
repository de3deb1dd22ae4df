package io.fdbnbd.status;

import io.fdbnbd.metrics.Measure;
import io.fdbnbd.metrics.Measure.Unit;
import io.fdbnbd.metrics.Totals;
import io.fdbnbd.volume.OpenVolume;
import io.prometheus.metrics.expositionformats.ExpositionFormatWriter;
import io.prometheus.metrics.expositionformats.ExpositionFormats;
import io.prometheus.metrics.model.snapshots.ClassicHistogramBuckets;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.HistogramSnapshot;
import io.prometheus.metrics.model.snapshots.InfoSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What Prometheus takes: totals since the start as histograms and counters, and how things are now as gauges. Why
 * histograms with fixed buckets: docs/decisions/0007. Any thread.
 */
public final class Exposition implements AutoCloseable {
    private static final String PREFIX = "fdb_nbd_";

    /** Ten microseconds to ten seconds, three for each tenfold. */
    private static final long[] NANOS_BOUNDS = {
        10_000,
        20_000,
        50_000,
        100_000,
        200_000,
        500_000,
        1_000_000,
        2_000_000,
        5_000_000,
        10_000_000,
        20_000_000,
        50_000_000,
        100_000_000,
        200_000_000,
        500_000_000,
        1_000_000_000,
        2_000_000_000,
        5_000_000_000L,
        10_000_000_000L
    };

    private static final Map<Unit, long[]> BOUNDS = new EnumMap<>(Map.of(
            Unit.NANOS, NANOS_BOUNDS,
            Unit.BYTES, powersOfTwo(12, 28),
            Unit.BLOCKS, powersOfTwo(0, 13)));

    /** A metric of totals. Several measures may be one, told apart by a label. */
    private enum Family {
        REQUEST("request_duration_seconds", "command", "From the arrival of a request until its reply was sent."),
        STAGE("stage_duration_seconds", "stage", "What reads and writes spend their time on: docs/metrics.md."),
        STALL(
                "stall_duration_seconds",
                null,
                "Times in which the store failed and was asked again, once they are over."),
        TRANSACTION("transaction_size_bytes", null, "Sizes of transactions as FoundationDB counts them."),
        BLOCKS("transaction_size_blocks", null, "Blocks in a transaction."),
        FILL("buffer_fill_bytes", null, "What the write buffer held whenever a transaction was launched."),
        RECEIVED("received_bytes", null, "Payload of writes."),
        SENT("sent_bytes", null, "Payload of replies to reads."),
        ERRORS("request_errors", null, "Requests that were answered with an error."),
        WRITTEN("blocks_written", null, "Blocks that clients wrote, each as often as it was written."),
        COMMITTED("blocks_committed", null, "Blocks that were committed; written blocks less these were coalesced."),
        RETRIES("store_retries", "error", "Calls of the store that failed and were repeated.");

        final String name;
        final @Nullable String label;
        final String help;

        Family(String name, @Nullable String label, String help) {
            this.name = PREFIX + name;
            this.label = label;
            this.help = help;
        }

        static Family of(Measure measure) {
            return switch (measure) {
                case READ, WRITE, FLUSH, TRIM, ZEROES -> REQUEST;
                case READ_BUFFER, READ_AHEAD, READ_STORE, WRITE_ROOM, WRITE_QUEUE, WRITE_WAIT, WRITE_COMMIT -> STAGE;
                case STALL -> STALL;
                case TRANSACTION_BYTES -> TRANSACTION;
                case TRANSACTION_BLOCKS -> BLOCKS;
                case BUFFER_BYTES -> FILL;
                case BYTES_IN -> RECEIVED;
                case BYTES_OUT -> SENT;
                case ERRORS -> ERRORS;
                case BLOCKS_WRITTEN -> WRITTEN;
                case BLOCKS_COMMITTED -> COMMITTED;
                case RETRIES_RETRYABLE, RETRIES_UNKNOWN, RETRIES_UNRESOLVED, RETRIES_GUARD -> RETRIES;
            };
        }
    }

    /**
     * What was asked for.
     *
     * @param contentType as HTTP calls it
     */
    public record Text(String contentType, byte[] bytes) {}

    private final ServerStatus status;
    private final Totals totals;
    private final ExpositionFormats formats = ExpositionFormats.init();

    /** @param totals is closed with this */
    public Exposition(ServerStatus status, Totals totals) {
        this.status = status;
        this.totals = totals;
    }

    private static long[] powersOfTwo(int first, int last) {
        long[] bounds = new long[last - first + 1];
        for (int i = 0; i < bounds.length; i++) {
            bounds[i] = 1L << (first + i);
        }
        return bounds;
    }

    /** In the format that is asked for, by default Prometheus' own text. */
    Text text(@Nullable String accept) throws IOException {
        ExpositionFormatWriter writer = formats.findWriter(accept);
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        writer.write(out, snapshots());
        return new Text(writer.getContentType(), out.toByteArray());
    }

    private MetricSnapshots snapshots() {
        List<OpenVolume> open = status.open();
        List<MetricSnapshot> all = new ArrayList<>();
        all.add(InfoSnapshot.builder()
                .name(PREFIX + "build")
                .help("What runs.")
                .dataPoint(InfoSnapshot.InfoDataPointSnapshot.builder()
                        .labels(Labels.of("version", status.identity().version()))
                        .build())
                .build());
        all.add(gauge(
                "start_time_seconds",
                "When the server started, since the epoch.",
                status.started().toEpochMilli() / 1e3));
        all.add(gauge(
                "ready",
                "Whether the server is ready for clients, as /readyz says.",
                status.obstacles().isEmpty() ? 1 : 0));
        all.add(gauge("connections", "Connections, those that negotiate included.", status.connectionCount()));
        all.addAll(volumeGauges(open));
        all.addAll(totals(open));
        return new MetricSnapshots(all);
    }

    private static GaugeSnapshot gauge(String name, String help, double value) {
        return GaugeSnapshot.builder()
                .name(PREFIX + name)
                .help(help)
                .dataPoint(GaugeSnapshot.GaugeDataPointSnapshot.builder()
                        .value(value)
                        .build())
                .build();
    }

    private static List<GaugeSnapshot> volumeGauges(List<OpenVolume> open) {
        return List.of(
                gauge(
                        open,
                        "volume_size_bytes",
                        "Size of a volume that is attached.",
                        volume -> volume.info().sizeBytes()),
                gauge(
                        open,
                        "volume_connections",
                        "Connections that have the volume attached.",
                        OpenVolume::attachedCount),
                gauge(
                        open,
                        "volume_epoch",
                        "Grows whenever the volume's ownership changes or is renewed.",
                        OpenVolume::epoch),
                gauge(
                        open,
                        "volume_failed",
                        "Whether the volume has failed, or was lost to another server.",
                        volume -> volume.failure().isPresent() ? 1 : 0),
                gauge(
                        open,
                        "volume_stalled_seconds",
                        "How long the store has kept failing; 0 if it works.",
                        volume -> volume.stalled()
                                .map(time -> time.toMillis() / 1e3)
                                .orElse(0.0)),
                gauge(open, "buffer_bytes", "What the write buffer holds.", OpenVolume::bufferBytes),
                gauge(open, "buffer_max_bytes", "What the write buffer may hold.", OpenVolume::bufferBytesMax),
                gauge(
                        open,
                        "buffer_waiting_changes",
                        "Changes that wait for room in the write buffer.",
                        OpenVolume::changesWaiting),
                gauge(open, "commit_window_bytes", "How much may be in transactions at once.", OpenVolume::windowBytes),
                gauge(open, "commit_in_flight_bytes", "How much is in transactions.", OpenVolume::inFlightBytes),
                gauge(
                        open,
                        "commit_in_flight_transactions",
                        "Transactions under way.",
                        OpenVolume::transactionsInFlight));
    }

    private static GaugeSnapshot gauge(
            List<OpenVolume> open, String name, String help, ToDoubleFunction<OpenVolume> value) {
        GaugeSnapshot.Builder gauge =
                GaugeSnapshot.builder().name(PREFIX + name).help(help);
        for (OpenVolume volume : open) {
            gauge.dataPoint(GaugeSnapshot.GaugeDataPointSnapshot.builder()
                    .labels(Labels.of("volume", volume.info().name()))
                    .value(value.applyAsDouble(volume))
                    .build());
        }
        return gauge.build();
    }

    // ---- totals

    private List<MetricSnapshot> totals(List<OpenVolume> open) {
        Map<Family, HistogramSnapshot.Builder> histograms = new EnumMap<>(Family.class);
        Map<Family, CounterSnapshot.Builder> counters = new EnumMap<>(Family.class);
        Set<String> names = open.stream().map(volume -> volume.info().name()).collect(Collectors.toSet());
        totals.take(names, BOUNDS, (volume, measure, number, sum, atMost) -> {
            Family family = Family.of(measure);
            if (measure.unit() == Unit.COUNT) {
                counters.computeIfAbsent(
                                family,
                                missing -> CounterSnapshot.builder()
                                        .name(family.name)
                                        .help(family.help))
                        .dataPoint(CounterSnapshot.CounterDataPointSnapshot.builder()
                                .labels(labels(family, volume, measure))
                                .value((double) number)
                                .build());
            } else {
                histograms
                        .computeIfAbsent(
                                family,
                                missing -> HistogramSnapshot.builder()
                                        .name(family.name)
                                        .help(family.help))
                        .dataPoint(HistogramSnapshot.HistogramDataPointSnapshot.builder()
                                .labels(labels(family, volume, measure))
                                .classicHistogramBuckets(buckets(measure.unit(), number, atMost))
                                .sum(inBaseUnit(measure.unit(), sum))
                                .build());
            }
        });
        List<MetricSnapshot> all = new ArrayList<>();
        histograms.values().forEach(histogram -> all.add(histogram.build()));
        counters.values().forEach(counter -> all.add(counter.build()));
        return all;
    }

    private static Labels labels(Family family, String volume, Measure measure) {
        if (family.label == null) {
            return Labels.of("volume", volume);
        }
        String value = ServerStatus.name(measure);
        return Labels.of(
                "volume",
                volume,
                family.label,
                family == Family.RETRIES ? value.substring("retries_".length()) : value);
    }

    private static ClassicHistogramBuckets buckets(Unit unit, long number, long[] atMost) {
        ClassicHistogramBuckets.Builder buckets = ClassicHistogramBuckets.builder();
        long[] bounds = BOUNDS.getOrDefault(unit, new long[0]);
        long before = 0;
        for (int i = 0; i < bounds.length; i++) {
            buckets.bucket(inBaseUnit(unit, (double) bounds[i]), atMost[i] - before);
            before = atMost[i];
        }
        return buckets.bucket(Double.POSITIVE_INFINITY, number - before).build();
    }

    private static double inBaseUnit(Unit unit, double value) {
        return unit == Unit.NANOS ? ServerStatus.seconds(value) : value;
    }

    @Override
    public void close() {
        totals.close();
    }
}
