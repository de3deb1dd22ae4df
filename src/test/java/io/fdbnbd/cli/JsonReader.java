package io.fdbnbd.cli;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Reads JSON by the letter of RFC 8259, whole numbers only, to check what is written. */
final class JsonReader {
    private final String text;
    private int at;

    private JsonReader(String text) {
        this.text = text;
    }

    /** Returns maps, lists, strings, longs, booleans or null; throws IllegalArgumentException if it is no JSON. */
    static @Nullable Object read(String text) {
        JsonReader reader = new JsonReader(text);
        Object value = reader.value();
        reader.space();
        reader.require(reader.at == text.length());
        return value;
    }

    private @Nullable Object value() {
        space();
        return switch (peek()) {
            case '{' -> map();
            case '[' -> {
                List<@Nullable Object> list = new ArrayList<>();
                items(']', () -> list.add(value()));
                yield list;
            }
            case '"' -> string();
            case 't' -> word("true", true);
            case 'f' -> word("false", false);
            case 'n' -> word("null", null);
            default -> number();
        };
    }

    private Map<String, @Nullable Object> map() {
        Map<String, @Nullable Object> map = new LinkedHashMap<>();
        items('}', () -> {
            space();
            String key = string();
            space();
            take(':');
            require(!map.containsKey(key));
            map.put(key, value());
        });
        return map;
    }

    private void items(char end, Runnable item) {
        at++;
        space();
        if (peek() != end) {
            do {
                item.run();
                space();
            } while (peek() == ',' && at++ >= 0);
        }
        take(end);
    }

    private String string() {
        take('"');
        StringBuilder out = new StringBuilder();
        while (peek() != '"') {
            char c = text.charAt(at++);
            require(c >= ' ');
            out.append(c == '\\' ? escape() : c);
        }
        at++;
        return out.toString();
    }

    private char escape() {
        char c = peek();
        at++;
        if (c == 'u') {
            at += 4;
            require(at <= text.length());
            return (char) Integer.parseInt(text.substring(at - 4, at), 16);
        }
        int known = "\"\\/bfnrt".indexOf(c);
        require(known >= 0);
        return "\"\\/\b\f\n\r\t".charAt(known);
    }

    private Long number() {
        int start = at;
        at += peek() == '-' ? 1 : 0;
        while (at < text.length() && Character.isDigit(text.charAt(at))) {
            at++;
        }
        String digits = text.substring(start, at);
        require(digits.matches("-?(0|[1-9][0-9]*)"));
        return Long.parseLong(digits);
    }

    private @Nullable Object word(String word, @Nullable Object value) {
        require(text.startsWith(word, at));
        at += word.length();
        return value;
    }

    private void space() {
        while (at < text.length() && " \t\r\n".indexOf(text.charAt(at)) >= 0) {
            at++;
        }
    }

    private void take(char c) {
        require(peek() == c);
        at++;
    }

    private char peek() {
        require(at < text.length());
        return text.charAt(at);
    }

    private void require(boolean holds) {
        if (!holds) {
            throw new IllegalArgumentException("no JSON at character " + at + " of: " + text);
        }
    }
}
