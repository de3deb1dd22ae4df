package io.fdbnbd.util;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SizesTest {
    @ParameterizedTest
    @CsvSource({
        "0, 0",
        "512, 512",
        "4K, 4096",
        "4k, 4096",
        "1M, 1048576",
        "10G, 10737418240",
        "2t, 2199023255552",
        "8191P, 9222246136947933184",
        "9223372036854775807, 9223372036854775807"
    })
    void readsWholeNumbersWithAUnit(String text, long bytes) {
        assertEquals(bytes, Sizes.parse(text));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " ", "K", "1.5G", "-1", "+1", "4 K", "4KB", "4KiB", "4E", "0x10", "١"})
    void saysWhatIsAccepted(String text) {
        IllegalArgumentException thrown = assertThrows(IllegalArgumentException.class, () -> Sizes.parse(text));
        assertEquals(
                "\"" + text + "\" is not a size: write a whole number of bytes, optionally followed by"
                        + " K, M, G, T or P (powers of 1024), like 512, 4K or 10G",
                thrown.getMessage());
    }

    @ParameterizedTest
    @ValueSource(strings = {"8192P", "9223372036854775808", "18014398509481985K", "99999999999999999999"})
    void refusesWhatALongCannotHold(String text) {
        IllegalArgumentException thrown = assertThrows(IllegalArgumentException.class, () -> Sizes.parse(text));
        assertEquals("the size \"" + text + "\" is too large: it must stay below 8192P", thrown.getMessage());
    }

    @ParameterizedTest
    @CsvSource({
        "0, 0 B",
        "1023, 1023 B",
        "1024, 1 KiB",
        "1536, 1.5 KiB",
        "1610612736, 1.5 GiB",
        "1125899906842624, 1 PiB",
        "-4096, -4 KiB"
    })
    void writesForPeople(long bytes, String text) {
        assertEquals(text, Sizes.format(bytes));
    }

    @Test
    void writesTheExtremes() {
        assertEquals("8192 PiB", Sizes.format(Long.MAX_VALUE));
        assertEquals("-8192 PiB", Sizes.format(Long.MIN_VALUE));
    }
}
