package io.fdbnbd.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fdbnbd.nbd.Export;
import io.fdbnbd.nbd.ExportRefusedException;
import io.fdbnbd.nbd.Nbd;
import io.fdbnbd.store.Batch;
import io.fdbnbd.store.FaultStore.Fault;
import io.fdbnbd.store.StoreException;
import io.fdbnbd.volume.Compression;
import io.fdbnbd.volume.VolumeSpec;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class VolumeExportsTest {
    private ServerFixture fixture;
    private VolumeExports exports;

    @BeforeEach
    void start() throws Exception {
        fixture = new ServerFixture();
        exports = new VolumeExports(fixture.volumes, fixture.server.options());
    }

    @AfterEach
    void close() throws Exception {
        exports.close();
        fixture.close();
    }

    @Test
    void theOnlyVolumeIsTheDefault() throws Exception {
        assertEquals(ServerFixture.DISK, exports.find("").name());
        assertEquals(ServerFixture.DISK, exports.attach("").name());
    }

    @Test
    void amongSeveralVolumesThereIsNoDefault() throws Exception {
        create("another", 4096);
        assertEquals(List.of("another", ServerFixture.DISK), exports.names());
        assertEquals(Nbd.REP_ERR_UNKNOWN, refusalOfFind(""));
    }

    @Test
    void damageToTheRecordOfAVolumeHidesNoOtherAndMakesNoneTheDefault() throws Exception {
        fixture.store.commit(new Batch().set("Vanother".getBytes(StandardCharsets.UTF_8), new byte[1]));
        assertEquals(List.of(ServerFixture.DISK), exports.names());
        assertEquals(ServerFixture.DISK, exports.find(ServerFixture.DISK).name());
        assertEquals(Nbd.REP_ERR_UNKNOWN, refusalOfFind(""));
        fixture.volumes.catalog().delete(ServerFixture.DISK);
        String refusal = String.valueOf(assertThrows(ExportRefusedException.class, () -> exports.find(""))
                .getMessage());
        assertTrue(refusal.contains("'another' is damaged"), refusal);
    }

    @Test
    void askingAttachesNothing() throws Exception {
        Export found = exports.find(ServerFixture.DISK);
        assertEquals(0, fixture.volumes.attachedCount(ServerFixture.DISK));
        assertEquals(found, exports.attach(ServerFixture.DISK));
        assertEquals(1, fixture.volumes.attachedCount(ServerFixture.DISK));
    }

    @ParameterizedTest
    @ValueSource(strings = {"nothing", "a/b", "x\0y"})
    void whatIsNotThereOrCannotBeIsUnknown(String name) {
        assertEquals(Nbd.REP_ERR_UNKNOWN, refusalOfFind(name));
        assertEquals(Nbd.REP_ERR_UNKNOWN, refusalOfFind(name.repeat(1000)));
        assertEquals(
                Nbd.REP_ERR_UNKNOWN,
                assertThrows(ExportRefusedException.class, () -> exports.attach(name))
                        .reply());
    }

    @Test
    void theBlockSizeIsPreferred() throws Exception {
        create("small", 512);
        create("large", 65_536);
        assertEquals(512, exports.find("small").preferredBytes());
        assertEquals(65_536, exports.find("large").preferredBytes());
    }

    @Test
    void aStoreThatFailsIsAnAnswerToo() {
        fixture.store.onRead(Fault.fail(StoreException.Kind.FATAL));
        assertEquals(Nbd.REP_ERR_UNKNOWN, refusalOfFind(ServerFixture.DISK));
    }

    @Test
    void afterTheEndOfTheVolumesItIsAShutdown() {
        fixture.volumes.close();
        assertEquals(
                Nbd.REP_ERR_SHUTDOWN,
                assertThrows(ExportRefusedException.class, () -> exports.attach(ServerFixture.DISK))
                        .reply());
    }

    private int refusalOfFind(String name) {
        return assertThrows(ExportRefusedException.class, () -> exports.find(name))
                .reply();
    }

    private void create(String name, int blockBytes) throws Exception {
        fixture.volumes.catalog().create(new VolumeSpec(name, 1 << 20, blockBytes, Compression.NONE));
    }
}
