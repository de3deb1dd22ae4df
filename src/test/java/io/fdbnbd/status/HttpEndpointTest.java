package io.fdbnbd.status;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.fdbnbd.metrics.LiveRates;
import io.fdbnbd.metrics.Metrics;
import io.fdbnbd.metrics.Totals;
import io.fdbnbd.store.FaultStore;
import io.fdbnbd.store.FaultStore.Fault;
import io.fdbnbd.store.StoreException.Kind;
import io.fdbnbd.store.memory.MemoryStore;
import io.fdbnbd.util.Closer;
import io.fdbnbd.util.Ticker;
import io.fdbnbd.volume.AckMode;
import io.fdbnbd.volume.Attachment;
import io.fdbnbd.volume.VolumeException;
import io.fdbnbd.volume.VolumeOptions;
import io.fdbnbd.volume.VolumeSpec;
import io.fdbnbd.volume.Volumes;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.InstantSource;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The HTTP endpoint of a store that fails when it is told to; {@code /healthz} is ok all the while. */
@Timeout(60)
class HttpEndpointTest {
    private static final String OK = "200 ok\n";

    private final AtomicLong nanos = new AtomicLong();
    private final FaultStore store = new FaultStore(new MemoryStore());
    private final Closer parts = new Closer();
    private HttpClient client;
    private Volumes volumes;
    private StoreProbe probe;
    private ServerStatus status;
    private HttpEndpoint endpoint;

    @BeforeEach
    void start() throws Exception {
        client = parts.register(HttpClient.newHttpClient());
        parts.register(store);
        Metrics metrics = new Metrics(Ticker.SYSTEM);
        volumes = parts.register(new Volumes(store, VolumeOptions.of(AckMode.BUFFERED), Ticker.SYSTEM, metrics::open));
        volumes.catalog().create(VolumeSpec.of("disk", 1 << 20));
        // Not started: it asks when it is told to.
        probe = parts.register(new StoreProbe(volumes, nanos::get));
        LiveRates rates = parts.register(new LiveRates(metrics, Ticker.SYSTEM));
        status = new ServerStatus(
                new ServerStatus.Identity("test", "memory:"), volumes, () -> 0, probe, rates, InstantSource.system());
        Exposition exposition = parts.register(new Exposition(status, new Totals(metrics)));
        endpoint = parts.register(HttpEndpoint.start(
                new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
                Set.of("Store_1.example"),
                status,
                exposition));
    }

    @AfterEach
    void stop() throws IOException {
        parts.close();
    }

    private String get(String path) throws IOException, InterruptedException {
        URI uri = URI.create("http://127.0.0.1:" + endpoint.address().getPort() + path);
        HttpResponse<String> response =
                client.send(HttpRequest.newBuilder(uri).build(), HttpResponse.BodyHandlers.ofString());
        return response.statusCode() + " " + response.body();
    }

    private void assertReadiness(String expected) throws IOException, InterruptedException {
        assertEquals(expected, get("/readyz"));
        assertEquals(OK, get("/healthz"));
    }

    @Test
    void aServerIsReadyFromItsStartToItsStop() throws Exception {
        probe.ask();
        assertReadiness("503 the server is starting\n");
        status.serving();
        assertReadiness(OK);
        status.stopping();
        assertReadiness("503 the server is stopping\n");
    }

    @Test
    void aStoreThatFailsOrIsSilentIsNoneUntilItAnswers() throws Exception {
        status.serving();
        assertReadiness("503 the store has not been asked yet\n");
        probe.ask();
        assertReadiness(OK);
        store.always(call -> Fault.fail(Kind.FATAL));
        probe.ask();
        assertReadiness("503 the store fails: injected: FATAL\n");
        store.heal();
        probe.ask();
        assertReadiness(OK);
        // It does not fail, it says nothing: then only time tells.
        nanos.addAndGet(StoreProbe.AGE_MAX.toNanos());
        assertReadiness(OK);
        nanos.addAndGet(StoreProbe.INTERVAL.toNanos());
        assertReadiness("503 the store has not answered for 20 s\n");
        probe.ask();
        assertReadiness(OK);
    }

    @Test
    void aVolumeThatHasFailedIsNamedUntilItIsAttachedAnew() throws Exception {
        probe.ask();
        status.serving();
        try (Attachment attachment = volumes.attach("disk")) {
            assertReadiness(OK);
            store.onCommit(Fault.fail(Kind.NO_SPACE));
            attachment.volume().write(0, ByteBuffer.allocate(4096), null);
            assertThrows(VolumeException.class, attachment.volume()::flush);
            assertReadiness("503 volume 'disk' has failed: injected: NO_SPACE\n");
            store.always(call -> Fault.fail(Kind.FATAL));
            probe.ask();
            // All that is wrong is said, a line each.
            assertEquals(2, get("/readyz").lines().count());
            store.heal();
            probe.ask();
        }
        assertReadiness(OK);
    }

    @Test
    void itAnswersToItsNamesHoweverTheyAreWritten() throws Exception {
        for (String host :
                List.of("store_1.example", "STORE_1.Example:9809", "LocalHost", "10.1.2.3:80", "[FE80::1]:80")) {
            assertEquals("HTTP/1.1 200 OK", firstLine(host), host);
        }
        for (String host : List.of("store_2.example", "1.2.3.4.example", "[evil.example", "localhost:evil", "")) {
            assertEquals("HTTP/1.1 403 Forbidden", firstLine(host), host);
        }
    }

    private String firstLine(String host) throws IOException {
        try (Socket socket =
                new Socket(InetAddress.getLoopbackAddress(), endpoint.address().getPort())) {
            String request = "GET /healthz HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n";
            socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .findFirst()
                    .orElse("");
        }
    }
}
