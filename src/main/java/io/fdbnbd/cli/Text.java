package io.fdbnbd.cli;

import io.fdbnbd.util.Printable;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** What people read. */
final class Text {
    private static final String COLUMN_GAP = "  ";

    private Text() {}

    /** A volume's name in a sentence. */
    static String name(String volume) {
        return "'" + Printable.of(volume) + "'";
    }

    /** Rows of the same length as lines, each column as wide as its widest cell. */
    static List<String> table(List<List<String>> rows) {
        List<Integer> widths =
                new ArrayList<>(Collections.nCopies(rows.getFirst().size(), 0));
        for (List<String> row : rows) {
            for (int column = 0; column < row.size(); column++) {
                widths.set(column, Math.max(widths.get(column), width(row.get(column))));
            }
        }
        return rows.stream().map(row -> line(row, widths)).toList();
    }

    private static String line(List<String> row, List<Integer> widths) {
        StringBuilder line = new StringBuilder();
        for (int column = 0; column < row.size(); column++) {
            String cell = row.get(column);
            line.append(cell).append(" ".repeat(widths.get(column) - width(cell)));
            line.append(COLUMN_GAP);
        }
        return line.toString().stripTrailing();
    }

    static int width(String cell) {
        return cell.codePointCount(0, cell.length());
    }

    /** {@code "1 volume"}, {@code "2 volumes"}. */
    static String count(long number, String noun) {
        return number + " " + noun + (number == 1 ? "" : "s");
    }
}
