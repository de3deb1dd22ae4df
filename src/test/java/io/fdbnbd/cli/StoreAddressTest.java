package io.fdbnbd.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.Reader;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class StoreAddressTest {
    private static StoreAddress parse(String text, Map<String, String> environment) {
        return StoreAddress.parse(
                text,
                new Surroundings(environment, Path.of("/home/me"), false, new BufferedReader(Reader.nullReader())));
    }

    private static StoreAddress rocks(String directory) {
        return new StoreAddress.Rocks(Path.of(directory));
    }

    @Test
    void eachSchemeIsAStore() {
        assertEquals(rocks("/a b"), parse("rocksdb:/a b", Map.of()));
        assertEquals(rocks("/home/me/x"), parse("rocksdb:~/x", Map.of()));
        assertEquals(rocks(Path.of("x").toAbsolutePath().toString()), parse("rocksdb:x", Map.of()));
        assertEquals(new StoreAddress.Memory(), parse("memory:", Map.of()));
        assertEquals("fdb:/f?prefix=p/", parse("fdb:/f?prefix=p/", Map.of()).toString());
        assertEquals("fdb:", parse("fdb:", Map.of()).toString());
    }

    @Test
    void withoutADirectoryItIsTheOneForState() {
        assertEquals(rocks("/home/me/.local/state/fdb-nbd/rocksdb"), parse("rocksdb:", Map.of()));
        assertEquals(rocks("/s/fdb-nbd/rocksdb"), parse("rocksdb:", Map.of("XDG_STATE_HOME", "/s")));
        assertEquals(
                rocks("/home/me/.local/state/fdb-nbd/rocksdb"),
                parse("rocksdb:", Map.of("XDG_STATE_HOME", "not/absolute")));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "foo", "memory", "memory:x", "rocksdb", "/var/lib", "ROCKSDB:/x", "http://x"})
    void anythingElseIsRefusedWithWhatIsAccepted(String text) {
        String message = String.valueOf(assertThrows(IllegalArgumentException.class, () -> parse(text, Map.of()))
                .getMessage());
        assertTrue(message.contains("rocksdb:DIR"), message);
        assertTrue(message.contains("fdb:CLUSTER_FILE"), message);
        assertTrue(message.contains("memory:"), message);
    }

    @Test
    void aUserWithoutAHomeHasToNameADirectory() {
        Surroundings homeless =
                new Surroundings(Map.of("HOME", "?"), Path.of("?"), false, new BufferedReader(Reader.nullReader()));
        assertThrows(IllegalArgumentException.class, () -> StoreAddress.parse("rocksdb:", homeless));
        assertEquals(rocks("/x"), StoreAddress.parse("rocksdb:/x", homeless));
    }

    @Test
    void aDirectoryThatCannotBeIsRefused() {
        assertThrows(IllegalArgumentException.class, () -> parse("rocksdb:a\0b", Map.of()));
    }
}
