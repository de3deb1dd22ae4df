package io.fdbnbd.util;

import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Writes JSON (RFC 8259) from maps, lists, strings, numbers, booleans and null. */
public final class Json {
    private static final String INDENT = "  ";

    private final StringBuilder out = new StringBuilder();

    private final boolean forPeople;

    private Json(boolean forPeople) {
        this.forPeople = forPeople;
    }

    /** Indented by two spaces. */
    public static String write(@Nullable Object value) {
        return written(value, true);
    }

    /** On one line. */
    public static String compact(@Nullable Object value) {
        return written(value, false);
    }

    private static String written(@Nullable Object value, boolean forPeople) {
        Json json = new Json(forPeople);
        json.value(value, "");
        return json.out.toString();
    }

    private void value(@Nullable Object value, String indent) {
        switch (value) {
            case null -> out.append("null");
            case String text -> string(text);
            case Integer number -> out.append(number.intValue());
            case Long number -> out.append(number.longValue());
            case Double number when Double.isFinite(number) -> out.append(number.doubleValue());
            case Boolean bool -> out.append(bool.booleanValue());
            case List<?> list -> list(list, indent);
            case Map<?, ?> map -> map(map, indent);
            default -> throw new IllegalArgumentException("no JSON for a " + value.getClass());
        }
    }

    private void list(List<?> list, String indent) {
        out.append('[');
        for (Iterator<?> items = list.iterator(); items.hasNext(); ) {
            newLine(indent + INDENT);
            value(items.next(), indent + INDENT);
            out.append(items.hasNext() ? "," : "");
        }
        close(list.isEmpty(), indent, ']');
    }

    private void map(Map<?, ?> map, String indent) {
        out.append('{');
        for (Iterator<? extends Map.Entry<?, ?>> entries = map.entrySet().iterator(); entries.hasNext(); ) {
            Map.Entry<?, ?> entry = entries.next();
            newLine(indent + INDENT);
            string((String) entry.getKey());
            out.append(": ");
            value(entry.getValue(), indent + INDENT);
            out.append(entries.hasNext() ? "," : "");
        }
        close(map.isEmpty(), indent, '}');
    }

    private void close(boolean empty, String indent, char bracket) {
        if (!empty) {
            newLine(indent);
        }
        out.append(bracket);
    }

    private void newLine(String indent) {
        if (forPeople) {
            out.append('\n').append(indent);
        }
    }

    private void string(String text) {
        out.append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '"' -> out.append("\\\"");
                case '\\' -> out.append("\\\\");
                case '\n' -> out.append("\\n");
                case '\r' -> out.append("\\r");
                case '\t' -> out.append("\\t");
                default -> {
                    // Beyond what JSON demands: what a terminal would obey.
                    if (Character.isISOControl(c)) {
                        out.append(String.format("\\u%04x", (int) c));
                    } else {
                        out.append(c);
                    }
                }
            }
        }
        out.append('"');
    }
}
