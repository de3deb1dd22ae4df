package io.fdbnbd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.abort;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.WebSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** A real browser without a window, with one page, driven over the DevTools protocol. For one thread. */
public final class Browser implements AutoCloseable {
    /** How wide a phone is. */
    public static final int PHONE = 390;

    public static final int DESK = 1200;
    private static final int HEIGHT = 844;
    private static final int SCROLL_BAR_MAX = 20;

    private static final List<Path> BROWSERS = List.of(Path.of("/usr/bin/chromium"), Path.of("/usr/bin/google-chrome"));
    private static final int DEADLINE_SECONDS = 120;

    /** What a key types, besides being pressed; and its number. */
    private static final Map<String, String> TYPED = Map.of("Enter", "\r", " ", " ");

    private static final Map<String, Integer> NUMBERS =
            Map.of("Tab", 9, "Enter", 13, " ", 32, "End", 35, "Home", 36, "ArrowRight", 39, "ArrowDown", 40);

    private final Process process;
    private final HttpClient client = HttpClient.newHttpClient();
    private final WebSocket socket;
    private final Map<Integer, CompletableFuture<JsonObject>> asked = new ConcurrentHashMap<>();
    private final Queue<String> complaints = new ConcurrentLinkedQueue<>();
    private int calls;

    /** Skips the test, with a line that says so, where there is none. */
    public static void require(String what) {
        if (BROWSERS.stream().noneMatch(Files::isExecutable)) {
            System.out.println("chromium is not installed: " + what + " is not looked at in a browser");
            abort("no browser");
        }
    }

    /** @param temp an empty directory, for what a browser keeps */
    public Browser(Path temp) throws IOException, InterruptedException {
        String browser = BROWSERS.stream()
                .filter(Files::isExecutable)
                .findFirst()
                .orElseThrow()
                .toString();
        Path profile = temp.resolve("profile");
        this.process = new ProcessBuilder(
                        browser,
                        "--headless",
                        "--no-sandbox",
                        "--disable-gpu",
                        "--disable-quic",
                        "--no-first-run",
                        "--disable-background-networking",
                        "--disable-component-update",
                        "--disable-sync",
                        "--user-data-dir=" + profile,
                        "--remote-debugging-port=0",
                        "about:blank")
                .redirectErrorStream(true)
                .redirectOutput(temp.resolve("browser.log").toFile())
                .start();
        try {
            this.socket = client.newWebSocketBuilder()
                    .buildAsync(page(profile.resolve("DevToolsActivePort")), new Listener())
                    .join();
            call("Page.enable");
            call("Runtime.enable");
            call("Log.enable");
        } catch (IOException | RuntimeException | Error e) {
            process.destroyForcibly();
            throw e;
        }
    }

    /** The page that it has begun with. */
    private URI page(Path portFile) throws IOException, InterruptedException {
        while (!Files.exists(portFile) || !Files.readString(portFile).contains("\n")) {
            assertTrue(process.isAlive(), "the browser has ended");
            Thread.onSpinWait();
        }
        URI list = URI.create("http://127.0.0.1:" + Files.readAllLines(portFile).getFirst() + "/json/list");
        while (true) {
            String answer = client.send(HttpRequest.newBuilder(list).build(), HttpResponse.BodyHandlers.ofString())
                    .body();
            for (JsonElement target : JsonParser.parseString(answer).getAsJsonArray()) {
                if (target.getAsJsonObject().get("type").getAsString().equals("page")) {
                    return URI.create(
                            target.getAsJsonObject().get("webSocketDebuggerUrl").getAsString());
                }
            }
        }
    }

    /** Goes there. Returns when the page is loaded and its scripts have run. */
    public void open(String url, int width) {
        JsonObject size = new JsonObject();
        size.addProperty("width", width);
        size.addProperty("height", HEIGHT);
        size.addProperty("deviceScaleFactor", 1);
        size.addProperty("mobile", width == PHONE);
        call("Emulation.setDeviceMetricsOverride", size);
        call("Page.navigate", with("url", url));
        await("location.href !== 'about:blank' && document.readyState === 'complete'");
        int room = width - Integer.parseInt(evaluate("document.documentElement.clientWidth"));
        assertTrue(room >= 0 && room <= SCROLL_BAR_MAX, "browsers have a least width, and this is not " + width);
    }

    /** Whether people prefer dark pages. */
    public void prefersDark(boolean dark) {
        JsonObject feature = new JsonObject();
        feature.addProperty("name", "prefers-color-scheme");
        feature.addProperty("value", dark ? "dark" : "light");
        JsonArray features = new JsonArray();
        features.add(feature);
        JsonObject parameters = new JsonObject();
        parameters.add("features", features);
        call("Emulation.setEmulatedMedia", parameters);
    }

    /** The value of an expression of JavaScript, as text. */
    public String evaluate(String script) {
        JsonObject parameters = with("expression", "String(" + script + ")");
        parameters.addProperty("awaitPromise", true);
        parameters.addProperty("returnByValue", true);
        JsonObject answer = call("Runtime.evaluate", parameters);
        assertTrue(!answer.has("exceptionDetails"), () -> script + ": " + answer);
        return answer.getAsJsonObject("result").get("value").getAsString();
    }

    /** Waits, as long as the test may take, until that is true. */
    public void await(String condition) {
        while (!evaluate(condition).equals("true")) {
            Thread.onSpinWait();
        }
    }

    /** Presses and releases a key, as a keyboard does. */
    public void press(String key) {
        JsonObject event = with("key", key);
        event.addProperty("code", key.equals(" ") ? "Space" : key);
        event.addProperty("windowsVirtualKeyCode", NUMBERS.get(key));
        String typed = TYPED.get(key);
        if (typed != null) {
            event.addProperty("text", typed);
        }
        event.addProperty("type", typed == null ? "rawKeyDown" : "keyDown");
        call("Input.dispatchKeyEvent", event);
        event.remove("text");
        event.addProperty("type", "keyUp");
        call("Input.dispatchKeyEvent", event);
    }

    /** Puts the focus on what a selector of CSS finds first. */
    public void focus(String selector) {
        evaluate("document.querySelector('" + selector + "').focus()");
    }

    /**
     * Fails unless Tab, pressed again and again, reaches everything that can be operated, in the order of the document,
     * and each shows, on the screen, that it has the focus.
     */
    public void assertEverythingIsReachedByTab() {
        evaluate(
                "document.body.tabIndex = -1, document.body.focus(), document.body.removeAttribute('tabindex'), window.controls = [...document.querySelectorAll("
                        + "'a[href], button, input, select, summary, [tabindex], [role=button]')]"
                        + ".filter(one => one.checkVisibility())");
        int count = Integer.parseInt(evaluate("controls.length"));
        assertTrue(count > 0, "nothing can be operated");
        for (int i = 0; i < count; i++) {
            press("Tab");
            String control = evaluate("controls[" + i + "].outerHTML");
            assertEquals(control, evaluate("document.activeElement.outerHTML"));
            String shown = evaluate("(style => style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2)("
                    + "getComputedStyle(document.activeElement))");
            assertEquals("true", shown, control);
            String onScreen =
                    evaluate("(box => box.width > 0 && box.bottom > 0 && box.top < innerHeight && box.right > 0"
                            + " && box.left < innerWidth)(document.activeElement.getBoundingClientRect())");
            assertEquals("true", onScreen, control);
        }
    }

    /** The document as it is now. */
    public String dom() {
        return evaluate("document.documentElement.outerHTML");
    }

    /** What of the page's width does not fit on the screen, in pixels. */
    public int overflow() {
        return Integer.parseInt(
                evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"));
    }

    /** The whole page as a PNG, for people. */
    public void photograph(Path file) throws IOException {
        JsonObject parameters = with("format", "png");
        parameters.addProperty("captureBeyondViewport", true);
        String data = call("Page.captureScreenshot", parameters).get("data").getAsString();
        Files.write(file, Base64.getDecoder().decode(data));
    }

    /** Fails if a script failed, or anything was said on the console. */
    public void assertNoComplaints() {
        assertEquals(List.of(), List.copyOf(complaints));
    }

    private static JsonObject with(String name, String value) {
        JsonObject parameters = new JsonObject();
        parameters.addProperty(name, value);
        return parameters;
    }

    private void call(String method) {
        call(method, new JsonObject());
    }

    private JsonObject call(String method, JsonObject parameters) {
        CompletableFuture<JsonObject> answer = new CompletableFuture<>();
        int id = ++calls;
        asked.put(id, answer);
        JsonObject message = with("method", method);
        message.addProperty("id", id);
        message.add("params", parameters);
        socket.sendText(message.toString(), true).join();
        try {
            return answer.get(DEADLINE_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException | ExecutionException | TimeoutException e) {
            throw new AssertionError(method + " " + parameters, e);
        }
    }

    /** Takes answers and events; each may come in several parts. */
    private final class Listener implements WebSocket.Listener {
        private final StringBuilder parts = new StringBuilder();

        @Override
        public @Nullable CompletionStage<?> onText(WebSocket from, CharSequence part, boolean last) {
            parts.append(part);
            if (last) {
                take(JsonParser.parseString(parts.toString()).getAsJsonObject());
                parts.setLength(0);
            }
            from.request(1);
            return null;
        }

        @Override
        public void onError(WebSocket from, Throwable failure) {
            asked.values().forEach(answer -> answer.completeExceptionally(failure));
        }

        private void take(JsonObject message) {
            if (!message.has("id")) {
                String method = message.get("method").getAsString();
                if (List.of("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded")
                        .contains(method)) {
                    complaints.add(message.toString());
                }
                return;
            }
            CompletableFuture<JsonObject> answer =
                    asked.remove(message.get("id").getAsInt());
            if (answer != null && message.has("result")) {
                answer.complete(message.getAsJsonObject("result"));
            } else if (answer != null) {
                answer.completeExceptionally(new IOException(message.toString()));
            }
        }
    }

    @Override
    public void close() {
        List<ProcessHandle> family = Stream.concat(Stream.of(process.toHandle()), process.descendants())
                .toList();
        family.forEach(ProcessHandle::destroyForcibly);
        // Until they have ended they write to their directory.
        family.forEach(one -> one.onExit().join());
        socket.abort();
        client.shutdownNow();
    }
}
