package io.fdbnbd.endtoend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.fdbnbd.cli.Main;
import io.fdbnbd.util.JavaCommand;
import java.io.IOException;
import java.net.HttpURLConnection;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What Prometheus itself makes of {@code /metrics}; {@code tools/lib/prometheus.sh} installs it. */
@Timeout(600)
class PrometheusTest {
    private static final int SECONDS_MAX = 120;
    private static final Path DASHBOARD = Path.of("tools/grafana/fdb-nbd.json");
    private static final Pattern HTTP = Pattern.compile("http://127\\.0\\.0\\.1:([0-9]+)");
    private static final Pattern PROMETHEUS_LISTENS =
            Pattern.compile("Listening on\" address=127\\.0\\.0\\.1:([0-9]+)");

    /** What Grafana would put in for the variables of the dashboard, with everything chosen. */
    private static final Map<String, String> VARIABLES =
            Map.of("$instance", ".*", "$volume", ".*", "$__rate_interval", "10s");

    @TempDir
    Path directory;

    private final HttpClient http = HttpClient.newHttpClient();

    @Test
    @Needs("promtool")
    void promtoolHasNothingToSayAgainstTheMetrics() throws Exception {
        try (ServeProcess server = served()) {
            Process load = load(server);
            try {
                Path metrics = directory.resolve("metrics");
                assertTrue(
                        server.await(SECONDS_MAX, () -> get(metricsUrl(server)).contains("stage=\"write_commit\"")));
                Files.writeString(metrics, get(metricsUrl(server)));
                Programs.Run run = Programs.tryRun(new ProcessBuilder(
                        "sh", "-c", "exec \"$0\" check metrics < \"$1\"", program("promtool"), metrics.toString()));
                assertEquals(0, run.exitCode(), run::toString);
                assertEquals("", run.output());
            } finally {
                load.destroyForcibly().waitFor();
            }
        }
    }

    /** Each panel has something to show of a server that works. */
    @Test
    @Needs("prometheus")
    void everyQueryOfTheDashboardIsAnswered() throws Exception {
        List<String> queries = queries();
        assertTrue(queries.size() > 15, queries::toString);
        try (ServeProcess server = served()) {
            Process load = load(server);
            Path log = directory.resolve("prometheus.log");
            Process prometheus = prometheus(server, log);
            try {
                assertTrue(
                        server.await(
                                SECONDS_MAX,
                                () -> !prometheus.isAlive()
                                        || PROMETHEUS_LISTENS.matcher(read(log)).find()),
                        () -> read(log));
                Matcher listens = PROMETHEUS_LISTENS.matcher(read(log));
                assertTrue(listens.find(), () -> read(log));
                String url = "http://127.0.0.1:" + listens.group(1) + "/api/v1/query?query=";
                Map<String, String> unanswered = new TreeMap<>();
                server.await(SECONDS_MAX, () -> {
                    unanswered.clear();
                    queries.forEach(query -> ask(url, query, unanswered));
                    return unanswered.isEmpty();
                });
                assertEquals(Map.of(), unanswered);
            } finally {
                prometheus.destroyForcibly().waitFor();
                load.destroyForcibly().waitFor();
            }
        }
    }

    private ServeProcess served() throws IOException {
        return new ServeProcess(directory, "memory:").volume("disk", "64M").start("--http", "127.0.0.1:0");
    }

    private Process load(ServeProcess server) throws IOException {
        List<String> command = JavaCommand.of(Main.class, "-Xmx128m");
        command.addAll(List.of("bench", server.uri("disk"), "--rw", "mixed", "--rate", "500", "--runtime", "600s"));
        return new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(directory.resolve("load.log").toFile())
                .start();
    }

    private Process prometheus(ServeProcess server, Path log) throws IOException {
        Path config = Files.writeString(directory.resolve("prometheus.yml"), """
                scrape_configs:
                  - job_name: fdb-nbd
                    scrape_interval: 1s
                    static_configs:
                      - targets: ['%s']
                """.formatted(
                        URI.create(metricsUrl(server)).getAuthority()));
        return new ProcessBuilder(
                        program("prometheus"),
                        "--config.file=" + config,
                        "--storage.tsdb.path=" + directory.resolve("tsdb"),
                        "--web.listen-address=127.0.0.1:0")
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
    }

    private static String program(String name) {
        return Programs.find(name).orElseThrow().toString();
    }

    private static String metricsUrl(ServeProcess server) {
        Matcher url = HTTP.matcher(server.log());
        assertTrue(url.find(), server::log);
        return url.group() + "/metrics";
    }

    private void ask(String url, String query, Map<String, String> unanswered) {
        HttpResponse<String> answer = fetch(url + URLEncoder.encode(query, StandardCharsets.UTF_8));
        // It listens before it is ready to answer.
        if (answer.statusCode() != HttpURLConnection.HTTP_OK || isEmpty(answer.body())) {
            unanswered.put(query, answer.body());
        }
    }

    private static boolean isEmpty(String answer) {
        JsonObject document = JsonParser.parseString(answer).getAsJsonObject();
        return document.getAsJsonObject("data").getAsJsonArray("result").isEmpty();
    }

    private String get(String url) {
        return fetch(url).body();
    }

    private HttpResponse<String> fetch(String url) {
        try {
            HttpRequest request = HttpRequest.newBuilder(URI.create(url)).build();
            return http.send(request, HttpResponse.BodyHandlers.ofString());
        } catch (IOException e) {
            throw new AssertionError(url, e);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private static List<String> queries() throws IOException {
        TreeSet<String> queries = new TreeSet<>();
        JsonObject dashboard =
                JsonParser.parseString(Files.readString(DASHBOARD)).getAsJsonObject();
        for (JsonElement panel : dashboard.getAsJsonArray("panels")) {
            for (JsonElement target : panel.getAsJsonObject().getAsJsonArray("targets")) {
                String query = target.getAsJsonObject().get("expr").getAsString();
                for (Map.Entry<String, String> variable : VARIABLES.entrySet()) {
                    query = query.replace(variable.getKey(), variable.getValue());
                }
                queries.add(query);
            }
        }
        return new ArrayList<>(queries);
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            return e.toString();
        }
    }
}
