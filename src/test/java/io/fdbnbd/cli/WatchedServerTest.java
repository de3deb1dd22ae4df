package io.fdbnbd.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.abort;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A server with {@code --http}, as those see it who watch it. */
@Timeout(120)
class WatchedServerTest {
    private static final int WRITES = 7;

    private static ServerProcess server;
    private static TinyNbdClient disk;
    private static int port;

    @TempDir
    private static Path temp;

    @BeforeAll
    static void start() throws IOException {
        server = ServerProcess.start(
                "--store",
                "rocksdb:" + temp.resolve("store"),
                "--listen",
                "127.0.0.1:0",
                "--create",
                "disk:8M",
                "--create",
                "idle:1M",
                "--http",
                "127.0.0.1:0");
        port = server.httpPort();
        disk = new TinyNbdClient(server.address(), "disk");
        for (int i = 0; i < WRITES; i++) {
            disk.write(0, new byte[4096]);
        }
    }

    @AfterAll
    static void stop() throws IOException {
        disk.close();
        server.close();
    }

    private static String url(String path) {
        return "http://127.0.0.1:" + port + path;
    }

    private static HttpResponse<String> get(String path) throws IOException, InterruptedException {
        return get(port, path);
    }

    private static HttpResponse<String> get(int itsPort, String path) throws IOException, InterruptedException {
        try (HttpClient client = HttpClient.newHttpClient()) {
            URI uri = URI.create("http://127.0.0.1:" + itsPort + path);
            return client.send(HttpRequest.newBuilder(uri).build(), HttpResponse.BodyHandlers.ofString());
        }
    }

    /** What a request, as it is written here, is answered. */
    private static String raw(String request) throws IOException {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    private static String request(String method, String more) {
        return method + " /healthz HTTP/1.1\r\n" + more + "Connection: close\r\n\r\n";
    }

    @Test
    void prometheusGetsWhatWasDone() throws Exception {
        HttpResponse<String> response = get("/metrics");
        assertTrue(response.headers().firstValue("Content-Type").orElse("").startsWith("text/plain; version=0.0.4"));
        String text = response.body();
        assertLine(text, "fdb_nbd_request_duration_seconds_count{command=\"write\",volume=\"disk\"} " + WRITES);
        assertLine(
                text,
                "fdb_nbd_request_duration_seconds_bucket{command=\"write\",volume=\"disk\",le=\"+Inf\"} " + WRITES);
        assertLine(text, "fdb_nbd_received_bytes_total{volume=\"disk\"} " + WRITES * 4096.0);
        assertLine(text, "fdb_nbd_volume_size_bytes{volume=\"disk\"} 8388608.0");
        assertLine(text, "# TYPE fdb_nbd_request_duration_seconds histogram");
        assertLine(text, "fdb_nbd_ready 1.0");
    }

    private static void assertLine(String text, String line) {
        assertTrue(text.lines().anyMatch(line::equals), () -> "no line " + line + " in\n" + text);
    }

    /** Every metric that the dashboard asks for is one that a server gives. */
    @Test
    void theDashboardAsksForNothingElse() throws Exception {
        String text = get("/metrics").body();
        Set<String> given = new TreeSet<>();
        Matcher typed = Pattern.compile("(?m)^# TYPE (\\S+) (\\S+)$").matcher(text);
        while (typed.find()) {
            given.add(typed.group(1));
            if (typed.group(2).equals("histogram")) {
                given.add(typed.group(1) + "_count");
                given.add(typed.group(1) + "_bucket");
            }
        }
        Set<String> asked = new TreeSet<>();
        Matcher name =
                Pattern.compile("\\bfdb_nbd_[a-z_]+").matcher(Files.readString(Path.of("tools/grafana/fdb-nbd.json")));
        while (name.find()) {
            asked.add(name.group());
        }
        assertTrue(asked.size() > 10, asked::toString);
        asked.removeAll(given);
        assertEquals(Set.of(), asked);
    }

    @Test
    void theStatusDocumentHasAllVolumes() throws Exception {
        JsonObject document = JsonParser.parseString(get("/status.json").body()).getAsJsonObject();
        assertTrue(document.get("ready").getAsBoolean(), document::toString);
        assertEquals(2, document.getAsJsonArray("volumes").size());
        JsonObject first = document.getAsJsonArray("volumes").get(0).getAsJsonObject();
        assertEquals("disk", first.get("name").getAsString());
        assertEquals("serving", first.get("state").getAsString());
        assertEquals(1, first.get("connections").getAsInt());
        JsonObject second = document.getAsJsonArray("volumes").get(1).getAsJsonObject();
        assertEquals("detached", second.get("state").getAsString());
    }

    @Test
    void whoStartsAndStopsServersIsTold() throws Exception {
        assertEquals(200, get("/healthz").statusCode());
        assertEquals("ok\n", get("/readyz").body());
        assertEquals(404, get("/nowhere").statusCode());
    }

    /** A client that takes nothing of its replies keeps a server that stops waiting, which says meanwhile that it stops. */
    @Test
    void whoAsksWhileItStopsIsSentElsewhere() throws Exception {
        try (ServerProcess stopping = ServerProcess.start(
                "--store", "memory:", "--listen", "127.0.0.1:0", "--create", "disk:64M", "--http", "127.0.0.1:0")) {
            int itsPort = stopping.httpPort();
            try (TinyNbdClient client = new TinyNbdClient(stopping.address(), "disk")) {
                client.askAndTakeNothing(32 << 20);
                assertEquals("ok\n", get(itsPort, "/readyz").body());
                stopping.signal("TERM");
                HttpResponse<String> ready = get(itsPort, "/readyz");
                while (ready.statusCode() == 200) {
                    ready = get(itsPort, "/readyz");
                }
                assertEquals(503, ready.statusCode());
                assertEquals("the server is stopping\n", ready.body());
                assertEquals(200, get(itsPort, "/healthz").statusCode());
            }
            assertEquals(0, stopping.exitCode(), stopping.log());
        }
    }

    @Test
    void nothingCanBeChangedAndNobodyComesUnderAnotherName() throws Exception {
        String here = "Host: 127.0.0.1:" + port + "\r\n";
        assertTrue(raw(request("GET", here)).startsWith("HTTP/1.1 200 "));
        assertTrue(raw(request("HEAD", here)).startsWith("HTTP/1.1 200 "));
        assertTrue(raw(request("POST", here + "Content-Length: 0\r\n")).startsWith("HTTP/1.1 405 "));
        assertTrue(raw(request("GET", "Host: evil.example:" + port + "\r\n")).startsWith("HTTP/1.1 403 "));
        assertTrue(raw(request("GET", here + "Origin: http://evil.example\r\n")).startsWith("HTTP/1.1 403 "));
        assertTrue(raw(request("GET", "Host: localhost\r\n")).startsWith("HTTP/1.1 200 "));
        String policy = get("/").headers().firstValue("Content-Security-Policy").orElse("");
        assertTrue(policy.contains("default-src 'none'"), policy);
        assertTrue(policy.contains("script-src 'self'"), policy);
    }

    @Test
    void topShowsItOverHttpAndOverTheControlSocket() {
        String overHttp = CommandRun.of("top", "--once", "--http", url("")).done();
        String overSocket = CommandRun.of("top", "--once", "--store", "rocksdb:" + temp.resolve("store"))
                .done();
        for (String text : new String[] {overHttp, overSocket}) {
            assertTrue(Pattern.compile("(?m)^disk +serving ").matcher(text).find(), text);
            assertTrue(Pattern.compile("(?m)^idle +detached ").matcher(text).find(), text);
            assertFalse(text.contains("\u001b"), text);
        }
        String json =
                CommandRun.of("top", "--once", "--json", "--http", url("/")).done();
        assertEquals(
                2,
                JsonParser.parseString(json)
                        .getAsJsonObject()
                        .getAsJsonArray("volumes")
                        .size());
    }

    @Test
    void topSaysWhatIsMissing() {
        String none = CommandRun.of("top", "--once", "--store", "rocksdb:" + temp.resolve("none"))
                .failed();
        assertTrue(none.startsWith("no server has rocksdb:"), none);
        String memory = CommandRun.of("top", "--once", "--store", "memory:").refused();
        assertTrue(memory.contains("can be asked over HTTP only"), memory);
        assertEquals("--json goes with --once", CommandRun.of("top", "--json").refused());
    }

    @Test
    void topRedrawsForANewSizeAndGivesTheTerminalBack() throws Exception {
        if (!Files.isExecutable(Path.of("/usr/bin/tmux"))) {
            System.out.println("tmux is not installed: fdb-nbd top is not looked at in a terminal");
            abort("no tmux");
        }
        try (Screen screen = new Screen(temp.resolve("tmux.sock"), 150, 12, "top", "--http", url(""))) {
            screen.await("(?m)^disk +serving .* this server, epoch \\d+$");
            screen.resize(60, 8);
            screen.await("(?m)^VOLUME  STATE(?!.*OWNER)");
            assertTrue(screen.text().lines().allMatch(line -> line.length() <= 60), screen::text);
            screen.press("q");
            screen.await("(?m)^ended with 0, echo$");
        }
    }
}
