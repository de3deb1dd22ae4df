package io.fdbnbd.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fdbnbd.server.Access;
import io.fdbnbd.server.ListenAddress;
import io.fdbnbd.tls.TestAuthority;
import io.fdbnbd.volume.AckMode;
import io.fdbnbd.volume.Compression;
import io.fdbnbd.volume.VolumeInfo;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AnnouncementTest {
    private static final StoreAddress ROCKS = new StoreAddress.Rocks(Path.of("/v"));
    private static final List<ListenAddress> BOTH =
            List.of(ListenAddress.parse("127.0.0.1:7"), ListenAddress.parse("unix:/run/n"));

    private static final Access READ_ONLY = Access.OPEN.withReadOnly(Access.ReadOnly.ALL);

    private static VolumeInfo volume(String name) {
        return new VolumeInfo(name, 1L << 30, 4096, Compression.LZ4, Instant.EPOCH, 1);
    }

    private static List<VolumeInfo> volumes(int count) {
        return IntStream.range(0, count).mapToObj(i -> volume("v" + i)).toList();
    }

    private static String text(Announcement announcement) {
        return String.join("\n", announcement.text());
    }

    @Test
    void aPersonSeesHowToAttachAtEveryAddress() {
        String text = text(new Announcement(ROCKS, " --store x", volumes(1), BOTH, AckMode.BUFFERED, Access.OPEN));
        assertTrue(text.startsWith("Serving 1 volume of rocksdb:/v at 127.0.0.1:7 and unix:/run/n\n"), text);
        assertTrue(text.contains("\n  nbd-client -N v0 127.0.0.1 7 /dev/nbd0\n"), text);
        assertTrue(text.contains("\n  nbd-client -N v0 -unix /run/n /dev/nbd0\n"), text);
        assertTrue(text.contains("-drive file=nbd://127.0.0.1:7/v0,format=raw,if=virtio\n"), text);
        assertTrue(text.contains("-drive 'file=nbd+unix:///v0?socket=/run/n,format=raw,if=virtio'\n"), text);
        assertTrue(text.contains("--ack buffered"), text);
    }

    @Test
    void theUrisAreToldOfEveryAddressToPeopleAndToTheLog(@TempDir Path directory) throws Exception {
        Announcement open = new Announcement(ROCKS, "", volumes(1), BOTH, AckMode.BUFFERED, Access.OPEN);
        assertTrue(text(open).contains("\n  nbd://127.0.0.1:7/v0\n"), text(open));
        assertTrue(text(open).contains("\n  'nbd+unix:///v0?socket=/run/n'\n"), text(open));
        assertEquals(List.of("volume 'v0' is nbd://127.0.0.1:7/v0 and nbd+unix:///v0?socket=/run/n"), open.uriLines());
        Access tls = Access.OPEN.withTls(new Access.Tls(
                true,
                TestAuthority.create(directory, "authority").server("server").context()));
        Announcement secure = new Announcement(ROCKS, "", volumes(1), BOTH, AckMode.BUFFERED, tls);
        assertTrue(text(secure).contains("\n  nbds://127.0.0.1:7/v0\n"), text(secure));
        assertEquals(
                List.of("volume 'v0' is nbds://127.0.0.1:7/v0 and nbds+unix:///v0?socket=/run/n"), secure.uriLines());
    }

    @Test
    void withoutVolumesAPersonSeesHowToCreateOne() {
        assertTrue(text(new Announcement(ROCKS, " --store x", List.of(), BOTH, AckMode.COMMITTED, Access.OPEN))
                .contains("fdb-nbd volume create disk 10G --store x"));
        assertTrue(text(new Announcement(
                        new StoreAddress.Memory(), " --store memory:", List.of(), BOTH, AckMode.COMMITTED, Access.OPEN))
                .contains("fdb-nbd serve --store memory: --create disk:10G"));
    }

    @Test
    void whatIsInMemoryIsSaidToBeLost() {
        Announcement announcement = new Announcement(
                new StoreAddress.Memory(), " --store memory:", volumes(1), BOTH, AckMode.BUFFERED, Access.OPEN);
        assertTrue(text(announcement).contains("it is gone when this server ends"));
        assertTrue(announcement.line().contains("gone when this server ends"));
        assertFalse(text(new Announcement(ROCKS, " --store x", volumes(1), BOTH, AckMode.BUFFERED, Access.OPEN))
                .contains("gone"));
    }

    @Test
    void manyVolumesStayReadable() {
        String text = text(new Announcement(ROCKS, " --store x", volumes(1000), BOTH, AckMode.BUFFERED, READ_ONLY));
        assertTrue(text.lines().count() < 40, text);
        assertTrue(text.contains("and 980 more: fdb-nbd volume list --store x"), text);
        assertTrue(text.contains("read-only"), text);
        assertTrue(new Announcement(ROCKS, " --store x", volumes(1000), BOTH, AckMode.BUFFERED, READ_ONLY)
                        .line()
                        .length()
                < 1000);
    }

    @Test
    void theLogHasOneLine() {
        assertEquals(
                "serving 1 volume ('a\\u000ab' 1 GiB) of rocksdb:/v at 127.0.0.1:7, unix:/run/n, --ack committed,"
                        + " --read-only",
                new Announcement(ROCKS, " --store x", List.of(volume("a\nb")), BOTH, AckMode.COMMITTED, READ_ONLY)
                        .line());
    }
}
