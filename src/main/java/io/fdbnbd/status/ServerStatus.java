package io.fdbnbd.status;

import io.fdbnbd.metrics.LiveRates;
import io.fdbnbd.metrics.Measure;
import io.fdbnbd.metrics.VolumeRates;
import io.fdbnbd.volume.OpenVolume;
import io.fdbnbd.volume.VolumeInfo;
import io.fdbnbd.volume.VolumeList;
import io.fdbnbd.volume.Volumes;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.IntSupplier;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;

/**
 * How the server and all its volumes are at a moment: the status document, which the HTTP endpoint, the status page and
 * {@code fdb-nbd top} show. Any thread; nothing waits for the store.
 */
public final class ServerStatus {

    /** Who the server is. */
    public record Identity(String version, String store) {}

    private enum Phase {
        STARTING,
        SERVING,
        STOPPING
    }

    private static final double NANOS_PER_SECOND = 1e9;

    private final Identity identity;
    private final Volumes volumes;
    private final IntSupplier connections;
    private final StoreProbe probe;
    private final LiveRates rates;
    private final InstantSource clock;
    private final Instant started;
    private volatile Phase phase = Phase.STARTING;

    /** @param connections how many there are, those that negotiate included */
    public ServerStatus(
            Identity identity,
            Volumes volumes,
            IntSupplier connections,
            StoreProbe probe,
            LiveRates rates,
            InstantSource clock) {
        this.identity = identity;
        this.volumes = volumes;
        this.connections = connections;
        this.probe = probe;
        this.rates = rates;
        this.clock = clock;
        this.started = clock.instant();
    }

    /** From now on clients are served. */
    public void serving() {
        phase = Phase.SERVING;
    }

    /** From now on no new clients are. */
    public void stopping() {
        phase = Phase.STOPPING;
    }

    Identity identity() {
        return identity;
    }

    Instant started() {
        return started;
    }

    int connectionCount() {
        return connections.getAsInt();
    }

    List<OpenVolume> open() {
        return volumes.open();
    }

    /** Why new clients should go elsewhere, a sentence each; empty if the server is ready for them. */
    public List<String> obstacles() {
        List<String> obstacles = new ArrayList<>();
        switch (phase) {
            case STARTING -> obstacles.add("the server is starting");
            case STOPPING -> obstacles.add("the server is stopping");
            case SERVING -> {}
        }
        probe.failure().ifPresent(obstacles::add);
        for (OpenVolume volume : volumes.open()) {
            volume.failure()
                    .ifPresent(
                            reason -> obstacles.add("volume '" + volume.info().name() + "' has failed: " + reason));
        }
        return obstacles;
    }

    /** The status document, for the writer of JSON. Waits up to some seconds if nobody has asked lately. */
    public Map<String, @Nullable Object> document() throws InterruptedException {
        Map<String, VolumeRates> lately = rates.get();
        List<String> obstacles = obstacles();
        Map<String, @Nullable Object> document = new LinkedHashMap<>();
        document.put("server", Volumes.thisOwner());
        document.put("version", identity.version());
        document.put("store", identity.store());
        document.put("time", clock.instant().toString());
        document.put(
                "uptime_seconds", Duration.between(started, clock.instant()).toSeconds());
        document.put("ready", obstacles.isEmpty());
        document.put("obstacles", obstacles);
        document.put("connections", connectionCount());
        document.put("rates_over_seconds", LiveRates.INTERVAL.toSeconds());
        document.put("latencies_over_seconds", LiveRates.INTERVAL.toSeconds() * LiveRates.WINDOW_INTERVALS);
        document.put("volumes", volumeDocuments(lately));
        return document;
    }

    private List<Object> volumeDocuments(Map<String, VolumeRates> lately) {
        VolumeList listed = probe.volumes();
        Map<String, Object> all = new TreeMap<>();
        listed.volumes().forEach(info -> all.put(info.name(), detached(info)));
        listed.unreadable().forEach(bad -> all.put(bad.name(), unreadable(bad)));
        for (OpenVolume volume : volumes.open()) {
            String name = volume.info().name();
            all.put(name, attached(volume, lately.getOrDefault(name, VolumeRates.NONE)));
        }
        return List.copyOf(all.values());
    }

    private static Map<String, @Nullable Object> detached(VolumeInfo info) {
        Map<String, @Nullable Object> object = new LinkedHashMap<>();
        object.put("name", info.name());
        object.put("size_bytes", info.sizeBytes());
        object.put("state", "detached");
        object.put("reason", null);
        object.put("connections", 0);
        return object;
    }

    private static Map<String, @Nullable Object> unreadable(VolumeList.Unreadable bad) {
        Map<String, @Nullable Object> object = new LinkedHashMap<>();
        object.put("name", bad.name());
        object.put("size_bytes", null);
        object.put("state", "unreadable");
        object.put("reason", bad.cause().getMessage());
        object.put("connections", 0);
        return object;
    }

    private static Map<String, @Nullable Object> attached(OpenVolume volume, VolumeRates lately) {
        Map<String, @Nullable Object> object = detached(volume.info());
        object.put("state", state(volume));
        object.put("reason", volume.failure().orElse(null));
        object.put("connections", volume.attachedCount());
        object.put("epoch", volume.epoch());
        object.put("stalled_seconds", volume.stalled().map(Duration::toSeconds).orElse(null));
        object.put("buffer_bytes", volume.bufferBytes());
        object.put("buffer_max_bytes", volume.bufferBytesMax());
        object.put("changes_waiting", volume.changesWaiting());
        object.put("commit_window_bytes", volume.windowBytes());
        object.put("commit_in_flight_bytes", volume.inFlightBytes());
        object.put("transactions_in_flight", volume.transactionsInFlight());
        object.put("iops", rounded(sum(lately, VolumeRates.Command::perSecond)));
        object.put("read_bytes_per_second", rounded(lately.bytesOutPerSecond()));
        object.put("written_bytes_per_second", rounded(lately.bytesInPerSecond()));
        object.put("errors_per_second", rounded(lately.errorsPerSecond()));
        Map<String, Object> commands = new LinkedHashMap<>();
        lately.commands().forEach((measure, command) -> commands.put(name(measure), command(command)));
        object.put("commands", commands);
        return object;
    }

    private static String state(OpenVolume volume) {
        if (volume.lost()) {
            return "lost";
        }
        if (volume.failure().isPresent()) {
            return "failed";
        }
        return volume.stalled().isPresent() ? "stalled" : "serving";
    }

    private static Map<String, Object> command(VolumeRates.Command command) {
        Map<String, Object> object = new LinkedHashMap<>();
        object.put("iops", rounded(command.perSecond()));
        object.put("p50_ns", command.p50Nanos());
        object.put("p99_ns", command.p99Nanos());
        object.put("p99.9_ns", command.p999Nanos());
        object.put("max_ns", command.maxNanos());
        return object;
    }

    private static double sum(VolumeRates lately, ToDoubleFunction<VolumeRates.Command> number) {
        return lately.commands().values().stream().mapToDouble(number).sum();
    }

    private static double rounded(double number) {
        return Math.round(number * 10) / 10.0;
    }

    static String name(Measure measure) {
        return measure.name().toLowerCase(Locale.ROOT);
    }

    static double seconds(double nanos) {
        return nanos / NANOS_PER_SECOND;
    }
}
