package io.fdbnbd.server;

import static io.fdbnbd.server.NbdTestClient.bytes;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fdbnbd.KeptLinesWriter;
import io.fdbnbd.nbd.Nbd;
import io.fdbnbd.volume.AckMode;
import io.fdbnbd.volume.Compression;
import io.fdbnbd.volume.VolumeSpec;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Who is let in by its address, and what may be changed. */
@Timeout(60)
class AccessTest {
    @TempDir
    Path folder;

    private ServerFixture serving(Access access) throws Exception {
        List<ListenAddress> both =
                List.of(ListenAddress.parse("127.0.0.1:0"), ListenAddress.parse("unix:" + folder.resolve("s")));
        return new ServerFixture(
                AckMode.BUFFERED, options -> ServerOptions.of(both).withAccess(access));
    }

    private static Access from(int connectionsMax, String... ranges) {
        return Access.OPEN.withSources(
                new Access.Sources(Stream.of(ranges).map(AddressRange::parse).toList(), connectionsMax));
    }

    @Test
    void whoComesFromElsewhereIsClosedWithoutAByte() throws Exception {
        try (ServerFixture fixture = serving(from(9, "10.0.0.0/8", "::1"))) {
            assertTrue(fixture.connect().ended());
            assertTrue(
                    KeptLinesWriter.has("127.0.0.1 was turned away: its address is in none of the ranges of --allow"));
            NbdTestClient.attach(fixture.server.addresses().getLast(), ServerFixture.DISK)
                    .close();
        }
        try (ServerFixture fixture = serving(from(9, "10.0.0.0/8", "127.0.0.0/8"))) {
            fixture.attach();
        }
    }

    @Test
    void anAddressHasSoManyConnectionsAndAUnixSocketIsNoAddress() throws Exception {
        try (ServerFixture fixture = serving(from(2))) {
            fixture.attach();
            NbdTestClient second = fixture.attach();
            assertTrue(fixture.connect().ended());
            assertTrue(KeptLinesWriter.has(
                    "its address has 2 connections already, the most that --connections-per-address"));
            ListenAddress unix = fixture.server.addresses().getLast();
            for (int i = 0; i < 3; i++) {
                NbdTestClient.attach(unix, ServerFixture.DISK).close();
            }
            second.disconnect();
            assertTrue(second.ended());
        }
    }

    @Test
    void oneVolumeCanBeReadOnlyAndTheOthersNot() throws Exception {
        Access access = Access.OPEN.withReadOnly(new Access.ReadOnly(false, Set.of("frozen")));
        try (ServerFixture fixture = serving(access)) {
            fixture.volumes.catalog().create(new VolumeSpec("frozen", 1 << 20, 4096, Compression.NONE));
            assertEquals(0, fixture.attach().write(0, bytes(512, 1)));
            NbdTestClient frozen = fixture.connect();
            frozen.greet();
            assertEquals(Nbd.REP_ACK, frozen.go("frozen"));
            assertEquals(Nbd.TRANSMIT_READ_ONLY, frozen.flags & Nbd.TRANSMIT_READ_ONLY);
            assertEquals(Nbd.EPERM, frozen.write(0, bytes(512, 1)));
        }
    }
}
