package io.fdbnbd.status;

import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.fdbnbd.util.Json;
import io.fdbnbd.util.Threads;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.tinylog.Logger;

/**
 * The HTTP endpoint: nothing can be changed through it. {@code /metrics} for Prometheus, {@code /healthz} and
 * {@code /readyz} for who starts and stops servers, {@code /status.json}, and a page that shows it.
 *
 * <p>Threads: {@code http-N}, at most {@link #REQUESTS_MAX}, one a request. Platform ones: the JDK's server waits for its
 * peers inside of {@code synchronized}, which on JDK 21 would keep the carriers that NBD connections run on. Who comes
 * while all are taken is cut off, and who is slow after {@link #REQUEST_SECONDS_MAX}.
 */
public final class HttpEndpoint implements AutoCloseable {
    static final int REQUESTS_MAX = 8;
    private static final int CONNECTIONS_MAX = 64;
    private static final int REQUEST_SECONDS_MAX = 10;
    private static final int HEADERS_MAX = 64;
    private static final int HEADER_BYTES_MAX = 16 << 10;
    private static final int BACKLOG_MAX = 16;
    private static final int IDLE_THREAD_SECONDS = 30;
    private static final Duration STOP_DEADLINE = Duration.ofSeconds(1);

    private static final int OK = 200;
    private static final int FORBIDDEN = 403;
    private static final int NOT_FOUND = 404;
    private static final int NOT_ALLOWED = 405;
    private static final int UNAVAILABLE = 503;

    private static final Pattern PORT = Pattern.compile(":[0-9]{1,5}$");
    private static final Pattern ADDRESS = Pattern.compile("[0-9]{1,3}(\\.[0-9]{1,3}){3}|\\[[0-9a-f:.]+(%[0-9a-z]+)?]");

    private static final String TEXT = "text/plain; charset=utf-8";

    static {
        // The only way to bound the JDK's server, which reads them once, when the first is made.
        System.setProperty("jdk.httpserver.maxConnections", String.valueOf(CONNECTIONS_MAX));
        System.setProperty("sun.net.httpserver.maxIdleConnections", String.valueOf(CONNECTIONS_MAX));
        System.setProperty("sun.net.httpserver.maxReqHeaders", String.valueOf(HEADERS_MAX));
        System.setProperty("sun.net.httpserver.maxReqHeaderSize", String.valueOf(HEADER_BYTES_MAX));
        System.setProperty("sun.net.httpserver.maxReqTime", String.valueOf(REQUEST_SECONDS_MAX));
        System.setProperty("sun.net.httpserver.maxRspTime", String.valueOf(REQUEST_SECONDS_MAX));
    }

    private record Answer(int code, String contentType, byte[] body) {
        static Answer of(int code, String contentType, String text) {
            return new Answer(code, contentType, text.getBytes(StandardCharsets.UTF_8));
        }
    }

    private final ServerStatus status;
    private final Exposition exposition;
    private final Set<String> names;
    private final HttpServer server;
    private final ThreadPoolExecutor executor;

    private HttpEndpoint(ServerStatus status, Exposition exposition, Set<String> names, HttpServer server) {
        this.status = status;
        this.exposition = exposition;
        this.names = names.stream().map(name -> name.toLowerCase(Locale.ROOT)).collect(Collectors.toUnmodifiableSet());
        this.server = server;
        this.executor = new ThreadPoolExecutor(
                0,
                REQUESTS_MAX,
                IDLE_THREAD_SECONDS,
                TimeUnit.SECONDS,
                new SynchronousQueue<>(),
                Threads.platform("http"));
    }

    /**
     * Listens, and answers on return.
     *
     * @param names what hosts clients may call this one, besides localhost and addresses; in upper or lower case
     * @throws IOException if it cannot listen there
     */
    public static HttpEndpoint start(
            InetSocketAddress address, Set<String> names, ServerStatus status, Exposition exposition)
            throws IOException {
        HttpServer server;
        try {
            server = HttpServer.create(address, BACKLOG_MAX);
        } catch (IOException e) {
            throw new IOException(
                    "cannot listen for HTTP at " + address.getHostString() + ":" + address.getPort() + " ("
                            + e.getMessage() + "): name another address with --http",
                    e);
        }
        HttpEndpoint endpoint = new HttpEndpoint(status, exposition, names, server);
        server.setExecutor(endpoint.executor);
        server.createContext("/", endpoint::handle);
        server.start();
        return endpoint;
    }

    /** Where it listens really. */
    public InetSocketAddress address() {
        return server.getAddress();
    }

    private void handle(HttpExchange exchange) throws IOException {
        try (exchange) {
            Answer answer;
            try {
                answer = answer(exchange);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                answer = Answer.of(UNAVAILABLE, TEXT, "the server is stopping\n");
            } catch (RuntimeException e) {
                Logger.error(e, "a request over HTTP failed");
                throw e;
            }
            send(exchange, answer);
        }
    }

    private Answer answer(HttpExchange exchange) throws IOException, InterruptedException {
        String method = exchange.getRequestMethod();
        if (!method.equals("GET") && !method.equals("HEAD")) {
            exchange.getResponseHeaders().set("Allow", "GET, HEAD");
            return Answer.of(NOT_ALLOWED, TEXT, "nothing can be changed here: GET and HEAD only\n");
        }
        Headers headers = exchange.getRequestHeaders();
        if (!isOurs(headers.getFirst("Host"), headers.getFirst("Origin"))) {
            return Answer.of(
                    FORBIDDEN,
                    TEXT,
                    "this server is not known by that name: use its address, or give the name with --http NAME:PORT\n");
        }
        return switch (exchange.getRequestURI().getPath()) {
            case "/" -> Answer.of(OK, "text/html; charset=utf-8", StatusPage.html());
            case "/status.css" -> Answer.of(OK, "text/css; charset=utf-8", StatusPage.style());
            case "/status.js" -> Answer.of(OK, "text/javascript; charset=utf-8", StatusPage.script());
            case "/status.json" ->
                Answer.of(OK, "application/json; charset=utf-8", Json.write(status.document()) + "\n");
            case "/metrics" -> {
                Exposition.Text text = exposition.text(headers.getFirst("Accept"));
                yield new Answer(OK, text.contentType(), text.bytes());
            }
            case "/healthz" -> Answer.of(OK, TEXT, "ok\n");
            case "/readyz" -> ready();
            default -> Answer.of(NOT_FOUND, TEXT, "there is /, /status.json, /metrics, /healthz and /readyz\n");
        };
    }

    private Answer ready() {
        List<String> obstacles = status.obstacles();
        return obstacles.isEmpty()
                ? Answer.of(OK, TEXT, "ok\n")
                : Answer.of(UNAVAILABLE, TEXT, String.join("\n", obstacles) + "\n");
    }

    /**
     * Whether a request was meant for this server: a page from elsewhere whose name was made to point here (DNS
     * rebinding) gives itself away by that name. Addresses cannot be made to point elsewhere.
     */
    private boolean isOurs(@Nullable String host, @Nullable String origin) {
        if (host == null) {
            return false;
        }
        String name = PORT.matcher(host).replaceFirst("").toLowerCase(Locale.ROOT);
        boolean known = name.equals("localhost") || ADDRESS.matcher(name).matches() || names.contains(name);
        return known && (origin == null || origin.equalsIgnoreCase("http://" + host));
    }

    private static void send(HttpExchange exchange, Answer answer) throws IOException {
        Headers headers = exchange.getResponseHeaders();
        headers.set("Content-Type", answer.contentType());
        headers.set("Cache-Control", "no-store");
        headers.set("X-Content-Type-Options", "nosniff");
        headers.set("Referrer-Policy", "no-referrer");
        headers.set("Cross-Origin-Resource-Policy", "same-origin");
        headers.set(
                "Content-Security-Policy",
                "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:;"
                        + " base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
        boolean head = exchange.getRequestMethod().equals("HEAD");
        exchange.sendResponseHeaders(answer.code(), head || answer.body().length == 0 ? -1 : answer.body().length);
        if (!head) {
            exchange.getResponseBody().write(answer.body());
        }
    }

    /** Takes no requests any more, and returns when those under way have been answered or cut. */
    @Override
    public void close() {
        server.stop((int) STOP_DEADLINE.toSeconds());
        executor.shutdownNow();
        try {
            if (!executor.awaitTermination(REQUEST_SECONDS_MAX, TimeUnit.SECONDS)) {
                Logger.warn("requests over HTTP have not ended after {} s", REQUEST_SECONDS_MAX);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
