package io.fdbnbd.metrics.report;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.Locale;

/** Numbers with three digits that count, and their unit, for tables. */
final class Numbers {
    private static final MathContext DIGITS = new MathContext(3);

    private Numbers() {}

    static String time(long nanos) {
        if (nanos >= 1_000_000_000) {
            return rounded(nanos / 1e9) + " s";
        }
        if (nanos >= 1_000_000) {
            return rounded(nanos / 1e6) + " ms";
        }
        if (nanos >= 1000) {
            return rounded(nanos / 1e3) + " µs";
        }
        return nanos + " ns";
    }

    static String grouped(long number) {
        return String.format(Locale.ROOT, "%,d", number);
    }

    /** How many a second. */
    static String rate(long number, long millis) {
        double rate = number * 1e3 / millis;
        return rate >= 1000 ? grouped(Math.round(rate)) : rounded(rate);
    }

    static String ratio(long number, long to) {
        return to == 0 ? "" : rounded((double) number / to);
    }

    private static String rounded(double number) {
        return new BigDecimal(number).round(DIGITS).stripTrailingZeros().toPlainString();
    }
}
