package io.fdbnbd.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a server logs of a volume that is attached, written and detached. */
@Timeout(120)
class LogFormatTest {
    private static final String NAME = "a \"disk\"";

    private static List<String> log(String... format) throws Exception {
        String[] arguments = new String[6 + format.length];
        System.arraycopy(
                new String[] {"--store", "memory:", "--listen", "127.0.0.1:0", "--create", NAME + ":1M"},
                0,
                arguments,
                0,
                6);
        System.arraycopy(format, 0, arguments, 6, format.length);
        try (ServerProcess server = ServerProcess.start(arguments)) {
            try (TinyNbdClient client = new TinyNbdClient(server.address(), NAME)) {
                for (int i = 0; i < 100; i++) {
                    client.write(0, new byte[4096]);
                }
                server.signal("TERM");
                assertEquals(0, server.exitCode(), server.log());
            }
            return server.log().lines().toList();
        }
    }

    private static String only(List<String> lines, String part) {
        List<String> found = lines.stream().filter(line -> line.contains(part)).toList();
        assertEquals(1, found.size(), lines.toString());
        return found.getFirst();
    }

    @Test
    void anAttachmentIsTwoLines() throws Exception {
        List<String> lines = log();
        String attach = only(lines, "attached to");
        assertTrue(
                attach.matches(".* volume 'a \"disk\"': attached to nbd-1 from /127.0.0.1:[0-9]+, simple replies"),
                attach);
        String detach = only(lines, "detached from");
        assertTrue(
                detach.matches(".*: detached from nbd-1 from /127.0.0.1:[0-9]+ after [0-9]+ s: 100 requests"
                        + " \\(0 refused, 0 failed\\), 0 B read, 400 KiB written"),
                detach);
        assertTrue(lines.size() < 10, "a line for each request? " + lines);
    }

    @Test
    void jsonIsAnObjectALine() throws Exception {
        List<String> lines = log("--log-format=json", "--log-level=debug");
        assertFalse(lines.isEmpty());
        for (String line : lines) {
            Map<?, ?> entry = (Map<?, ?>) Objects.requireNonNull(JsonReader.read(line), line);
            assertTrue(entry.keySet().containsAll(List.of("time", "level", "thread", "class", "message")), line);
            assertTrue(Instant.parse((String) entry.get("time")).isAfter(Instant.EPOCH), line);
        }
        Map<?, ?> attach = (Map<?, ?>) Objects.requireNonNull(JsonReader.read(only(lines, "attached to")));
        assertEquals("info", attach.get("level"));
        assertEquals("nbd-1", attach.get("thread"));
        assertEquals("io.fdbnbd.server.Connection", attach.get("class"));
        assertTrue(
                ((String) Objects.requireNonNull(attach.get("message"))).startsWith("volume 'a \"disk\"': attached"));
    }
}
