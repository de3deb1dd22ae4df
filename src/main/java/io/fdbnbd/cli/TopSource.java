package io.fdbnbd.cli;

import com.google.gson.JsonElement;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/** Where {@code top} has its numbers from: the status document of a server. */
interface TopSource extends AutoCloseable {
    String NO_STATUS = "the server's answer is no status document: is it an fdb-nbd, and as new as this?";

    /** The status document as the server wrote it. */
    String document() throws IOException, InterruptedException;

    @Override
    default void close() {}

    /** What cannot be shown as numbers was no status document. */
    static TopStatus parse(String document) throws IOException {
        JsonElement tree;
        try {
            tree = JsonParser.parseString(document);
        } catch (JsonParseException e) {
            throw new IOException(NO_STATUS, e);
        }
        return TopStatus.of(tree).orElseThrow(() -> new IOException(NO_STATUS));
    }

    /** The server that has a directory, over its control socket. */
    record Control(Path directory) implements TopSource {
        @Override
        public String document() throws IOException {
            Optional<ControlMessages.Answer> answer =
                    new ControlClient(directory).ask(ControlMessages.encode(Watching.STATUS_REQUEST));
            if (answer.isEmpty()) {
                throw new IOException("no server has rocksdb:" + directory
                        + ": start one with `fdb-nbd serve`, or name one with --http URL");
            }
            if (answer.get().exitCode() != Main.EXIT_DONE) {
                throw new IOException("the server that has rocksdb:" + directory + " does not tell how it is: it is"
                        + " stopping, or older than this program");
            }
            return answer.get().out();
        }
    }

    /** A server with {@code --http}. */
    final class Http implements TopSource {
        private static final Duration DEADLINE = Duration.ofSeconds(10);
        private static final int OK = 200;

        private final URI uri;
        private final HttpClient client =
                HttpClient.newBuilder().connectTimeout(DEADLINE).build();

        /** @param text as people write it: {@code http://host:port}, the scheme may be left out */
        Http(String text) {
            String whole = text.contains("://") ? text : "http://" + text;
            this.uri = URI.create(whole.endsWith("/") ? whole : whole + "/").resolve("status.json");
            if (uri.getHost() == null || !uri.getScheme().startsWith("http")) {
                throw new IllegalArgumentException(
                        "\"" + text + "\" names no HTTP endpoint: write http://HOST:PORT, as `serve --http` logs it");
            }
        }

        @Override
        public String document() throws IOException, InterruptedException {
            HttpResponse<InputStream> response;
            try {
                response = client.send(
                        HttpRequest.newBuilder(uri).timeout(DEADLINE).build(),
                        HttpResponse.BodyHandlers.ofInputStream());
            } catch (HttpTimeoutException e) {
                throw new IOException(uri + " gave no answer within " + DEADLINE.toSeconds() + " s", e);
            } catch (IOException e) {
                throw new IOException(uri + " cannot be reached (" + e + "): serve with --http", e);
            }
            try (InputStream body = response.body()) {
                byte[] bytes = body.readNBytes(ControlMessages.OUTPUT_BYTES_MAX);
                if (response.statusCode() != OK) {
                    throw new IOException(uri + " answers " + response.statusCode());
                }
                return new String(bytes, StandardCharsets.UTF_8);
            }
        }

        @Override
        public void close() {
            client.shutdownNow();
        }
    }
}
