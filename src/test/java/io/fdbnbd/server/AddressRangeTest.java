package io.fdbnbd.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.net.InetAddress;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class AddressRangeTest {
    @ParameterizedTest
    @CsvSource({
        "10.0.0.0/8,        10.255.0.1,         true",
        "10.0.0.0/8,        11.0.0.0,           false",
        "192.0.2.128/25,    192.0.2.128,        true",
        "192.0.2.128/25,    192.0.2.127,        false",
        "192.0.2.7,         192.0.2.7,          true",
        "192.0.2.7,         192.0.2.6,          false",
        "0.0.0.0/0,         203.0.113.9,        true",
        "0.0.0.0/0,         ::1,                false",
        "::/0,              2001:db8::1,        true",
        "::/0,              10.0.0.1,           false",
        "2001:db8::/33,     2001:db8:7fff::1,   true",
        "2001:db8::/33,     2001:db8:8000::1,   false",
        "::1,               ::1,                true",
        "10.0.0.0/8,        ::ffff:10.0.0.1,    true",
        "::ffff:10.0.0.0/104, 10.1.2.3,         true",
        "::ffff:10.0.0.0/104, 11.1.2.3,         false",
    })
    void aRangeHasTheAddressesThatBeginAlike(String range, String address, boolean contained) throws Exception {
        assertEquals(contained, AddressRange.parse(range).contains(InetAddress.getByName(address)));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "/",
                "10",
                "10.0.0/8",
                "10.0.0.0/33",
                "10.0.0.0/-1",
                "10.0.0.0/",
                "10.0.0.0/8/8",
                "256.0.0.1",
                "::/129",
                "::ffff:10.0.0.0/95",
                "localhost",
                "example.org/8",
                "fe80::1%lo",
                "1::2::3"
            })
    void whatIsNoRangeIsRefused(String text) {
        assertThrows(IllegalArgumentException.class, () -> AddressRange.parse(text));
    }
}
