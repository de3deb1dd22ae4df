package io.fdbnbd.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What {@code top} makes of what it is answered, by whomever. */
class TopStatusTest {

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "<html>",
                "7",
                "[]",
                "{}",
                "{\"status\": \"UP\"}",
                "{\"ready\": true}",
                "{\"ready\": true, \"obstacles\": [{}], \"volumes\": []}",
                "{\"ready\": true, \"obstacles\": [], \"volumes\": [null]}",
                "{\"ready\": {}, \"obstacles\": [], \"volumes\": []}"
            })
    void whatIsNoStatusDocumentIsSaidToBeNone(String answer) {
        IOException failure = assertThrows(IOException.class, () -> TopSource.parse(answer));
        assertEquals(TopSource.NO_STATUS, failure.getMessage());
    }

    @Test
    void whatIsMissingOrOfAnotherKindIsLeftOut() throws IOException {
        TopStatus status = TopSource.parse(
                "{\"ready\": false, \"obstacles\": [\"it rains\"], \"connections\": \"many\","
                        + " \"volumes\": [{}, {\"name\": \"a\", \"iops\": \"x\", \"buffer_bytes\": {}, \"commands\": 3}]}");
        assertEquals(List.of("-, version -, up - s", "-, -, NOT READY", "! it rains"), status.head());
        assertEquals(3, status.table(Integer.MAX_VALUE).size());
    }

    @Test
    void volumesThatNobodyHasAttachedAreLast() throws IOException {
        TopStatus status = TopSource.parse("{\"ready\": true, \"obstacles\": [], \"volumes\": ["
                + "{\"name\": \"a\", \"state\": \"detached\"}, {\"name\": \"b\", \"state\": \"failed\"},"
                + " {\"name\": \"c\", \"state\": \"detached\"}, {\"name\": \"d\", \"state\": \"serving\"}]}");
        assertEquals(
                List.of("b", "d", "a", "c"),
                status.table(Integer.MAX_VALUE).stream()
                        .skip(1)
                        .map(line -> line.substring(0, 1))
                        .toList());
    }

    /** Whatever a server says, a terminal obeys none of it. */
    @Test
    void nothingThatATerminalObeysIsShown() throws IOException {
        String evil = "\"\\u001b[2J\"";
        TopStatus status = TopSource.parse("{\"ready\": true, \"server\": " + evil + ", \"version\": " + evil
                + ", \"store\": " + evil + ", \"obstacles\": [" + evil + "], \"volumes\": [{\"name\": " + evil
                + ", \"state\": " + evil + "}]}");
        String shown = String.join("", status.head()) + String.join("", status.table(Integer.MAX_VALUE));
        assertEquals(-1, shown.indexOf('\u001b'), shown);
        assertTrue(shown.contains("\\u001b[2J"), shown);
    }
}
