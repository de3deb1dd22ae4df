package io.fdbnbd.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.fdbnbd.util.Json;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JsonTest {
    @Test
    void everyCharacterComesBackAndNoControlCharacterIsWritten() {
        StringBuilder all = new StringBuilder();
        for (int c = 0; c < 0x300; c++) {
            all.append((char) c);
        }
        all.append("\u2028\ud83d\ude00\uffff");
        String json = Json.write(all.toString());
        assertEquals(all.toString(), JsonReader.read(json));
        assertFalse(json.chars().anyMatch(Character::isISOControl), json);
    }

    @Test
    void everyKindOfValueComesBack() {
        Map<String, @Nullable Object> map = new LinkedHashMap<>();
        map.put("list", List.of(1L, "two", true, List.of(), Map.of()));
        map.put("null", null);
        map.put("largest", Long.MAX_VALUE);
        map.put("smallest", Long.MIN_VALUE);
        map.put("quote\" in a key", false);
        List<@Nullable Object> both = new ArrayList<>(Collections.singletonList(null));
        both.add(map);
        assertEquals(both, JsonReader.read(Json.write(both)));
        assertEquals(both, JsonReader.read(Json.compact(both)));
        assertFalse(Json.compact(both).contains("\n"));
        assertEquals("[]", Json.write(List.of()));
        assertEquals("[\n  7\n]", Json.write(List.of(7)));
    }

    @Test
    void whatIsNoJsonIsRefused() {
        assertThrows(IllegalArgumentException.class, () -> Json.write(Double.NaN));
    }

    /** The reader that the tests rely on is strict. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "[",
                "[1,]",
                "{\"a\":1,}",
                "{\"a\" 1}",
                "01",
                "-",
                "\"",
                "\"\t\"",
                "\"\\x\"",
                "nul",
                "1 2",
                "{\"a\":1,\"a\":2}",
                "[1 2]",
                "'a'",
                "\"\\u12\""
            })
    void theReaderBites(String text) {
        assertThrows(IllegalArgumentException.class, () -> JsonReader.read(text));
    }
}
