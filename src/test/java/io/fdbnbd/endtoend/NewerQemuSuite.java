package io.fdbnbd.endtoend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A QEMU that speaks extended headers, which no other client here does; {@code tools/lib/qemu10.sh} installs it. */
interface NewerQemuSuite extends Served {
    String HAS_EXTENDED_HEADERS = "volume '" + SPARSE + "': attached to .*, extended headers\n";

    @Test
    @Needs("qemu-io-10")
    default void newerQemuNegotiatesExtendedHeadersAndItsRequestsAreServed() {
        qemuIo(
                "discard 0 2147483136",
                "write -P 21 1M 1M",
                "write -f -P 22 4294967293 7",
                "write -z -n -u 2M 3G",
                "write -z 1100000 4096",
                "flush",
                "read -P 21 1M 51424",
                "read -P 0 1100000 4096",
                "read -P 21 1104096 993056",
                "read -P 0 2M 32M",
                "read -P 0 4294967000 293",
                "read -P 22 4294967293 7",
                "read -P 0 " + (HUGE_BYTES - 4096) + " 4096");
        assertTrue(
                server().log()
                        .lines()
                        .map(line -> line + "\n")
                        .anyMatch(line -> line.matches(".*" + HAS_EXTENDED_HEADERS)),
                () -> "QEMU 10 does not speak extended headers:\n" + server().log());
    }

    /** A status of more than 4 GiB in one extent is what extended headers are for. */
    @Test
    @Needs({"qemu-img-10", "qemu-io-10"})
    default void newerQemuMapsAndConvertsASparseTebibyte() throws IOException {
        List<String> commands = new ArrayList<>();
        for (long at = 0; at < HUGE_BYTES; at += 1L << 30) {
            commands.add("discard " + at + " 1G");
        }
        commands.add("write -P 23 600G 64k");
        qemuIo(commands.toArray(String[]::new));
        String uri = server().unixUri(SPARSE);
        String map = Programs.run("qemu-img-10", "map", "-f", "raw", "--output=json", uri);
        assertEquals(3, map.strip().lines().count(), map);
        assertTrue(map.contains("\"start\": " + (600L << 30) + ", \"length\": 65536"), map);
        Path file = Files.createTempFile(directory(), "sparse-", ".qcow2");
        Programs.run("qemu-img-10", "convert", "-f", "raw", "-O", "qcow2", uri, file);
        String verdict = Programs.run("qemu-img-10", "compare", "-f", "qcow2", "-F", "raw", file, uri);
        assertTrue(verdict.contains("identical"), verdict);
        Files.delete(file);
    }

    private void qemuIo(String... commands) {
        List<Object> arguments = new ArrayList<>(List.of("-f", "raw", "-t", "none"));
        for (String command : commands) {
            arguments.addAll(List.of("-c", command));
        }
        arguments.add(server().uri(SPARSE));
        Programs.run("qemu-io-10", arguments.toArray());
    }
}
