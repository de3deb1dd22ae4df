package io.fdbnbd.cli;

import io.fdbnbd.metrics.LiveRates;
import io.fdbnbd.metrics.Metrics;
import io.fdbnbd.metrics.Totals;
import io.fdbnbd.server.ListenAddress;
import io.fdbnbd.status.Exposition;
import io.fdbnbd.status.HttpEndpoint;
import io.fdbnbd.status.ServerStatus;
import io.fdbnbd.status.StoreProbe;
import io.fdbnbd.util.Closer;
import io.fdbnbd.util.Json;
import io.fdbnbd.util.Ticker;
import io.fdbnbd.volume.Volumes;
import java.io.IOException;
import java.time.InstantSource;
import java.util.List;
import java.util.Set;
import java.util.function.IntSupplier;
import org.jspecify.annotations.Nullable;
import org.tinylog.Logger;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The options of {@code serve} by which a server is watched, and the parts they ask for. */
final class Watching {
    static final int HTTP_PORT_DEFAULT = 9809;

    /** What {@code top} asks over the control socket. */
    static final List<String> STATUS_REQUEST = List.of("status");

    @Mixin
    private LatencyLogOptions latencyLog;

    @Option(
            names = "--http",
            paramLabel = "HOST[:PORT]",
            converter = Converters.HttpAddress.class,
            description =
                    "Serve a status page, /status.json, /metrics for Prometheus, /healthz and /readyz over HTTP, to whoever"
                            + " can connect. Port: " + HTTP_PORT_DEFAULT + ". Default: none.")
    private ListenAddress.@Nullable Tcp http;

    /** Before the volumes: closed after them, the latency log has the last that they did. */
    void startLog(Metrics metrics, Closer parts) throws IOException {
        latencyLog.start(metrics, Ticker.SYSTEM, parts);
    }

    /** Starts what tells how the server is. Before the server is registered: closed after it, it tells of the stop too. */
    ServerStatus start(StoreAddress store, Volumes volumes, IntSupplier connections, Metrics metrics, Closer parts)
            throws IOException {
        StoreProbe probe = parts.register(new StoreProbe(volumes, Ticker.SYSTEM));
        if (http != null || store instanceof StoreAddress.Rocks) {
            // Else nobody can ask.
            probe.start();
        }
        LiveRates rates = parts.register(new LiveRates(metrics, Ticker.SYSTEM));
        ServerStatus status = new ServerStatus(
                new ServerStatus.Identity(Main.version(), store.toString()),
                volumes,
                connections,
                probe,
                rates,
                InstantSource.system());
        if (http != null) {
            startHttp(http, status, metrics, parts);
        }
        return status;
    }

    private static void startHttp(ListenAddress.Tcp http, ServerStatus status, Metrics metrics, Closer parts)
            throws IOException {
        if (!Attaching.isLocal(http)) {
            Logger.warn("whoever can connect to {} sees the names of all volumes and what is done with them", http);
        }
        Exposition exposition = parts.register(new Exposition(status, new Totals(metrics)));
        HttpEndpoint endpoint =
                parts.register(HttpEndpoint.start(http.resolve(), Set.of(http.host()), status, exposition));
        Logger.info(
                "status page, /metrics and /readyz at http://{}",
                new ListenAddress.Tcp(http.host(), endpoint.address().getPort()));
    }

    /** What the control socket answers to {@link #STATUS_REQUEST}. */
    static ControlMessages.Answer answer(ServerStatus status) {
        try {
            return new ControlMessages.Answer(Main.EXIT_DONE, Json.write(status.document()) + "\n", "");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return new ControlMessages.Answer(Main.EXIT_FAILED, "", "fdb-nbd: the server is stopping\n");
        }
    }
}
