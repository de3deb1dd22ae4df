package io.fdbnbd.store.rocks;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fdbnbd.store.StoreException;
import io.fdbnbd.store.StoreException.Kind;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.rocksdb.RocksDBException;
import org.rocksdb.Status;

class RocksErrorsTest {
    @Test
    void everyStatusHasItsKind() {
        for (Status.Code code : Status.Code.values()) {
            Kind expected = switch (code) {
                case Busy, TimedOut, TryAgain, Aborted -> Kind.RETRYABLE;
                default -> Kind.FATAL;
            };
            assertEquals(expected, of(code, Status.SubCode.None).kind(), code.name());
        }
    }

    @Test
    void aFullDiskSaysSo() {
        StoreException failure = of(Status.Code.IOError, Status.SubCode.NoSpace);
        assertEquals(Kind.NO_SPACE, failure.kind());
        assertTrue(String.valueOf(failure.getMessage()).startsWith("/data/disks has no room left"));
    }

    @Test
    void damageIsCalledDamage() {
        StoreException failure = of(Status.Code.Corruption, Status.SubCode.None);
        assertTrue(String.valueOf(failure.getMessage()).startsWith("/data/disks is damaged"));
    }

    @Test
    void aFailureWithoutAStatusIsFatal() {
        StoreException failure = RocksErrors.of(Path.of("/data/disks"), new RocksDBException("odd"));
        assertEquals(Kind.FATAL, failure.kind());
        assertEquals("/data/disks: odd", failure.getMessage());
    }

    private static StoreException of(Status.Code code, Status.SubCode subCode) {
        return RocksErrors.of(Path.of("/data/disks"), new RocksDBException(new Status(code, subCode, "state")));
    }
}
