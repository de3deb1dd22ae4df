package io.fdbnbd.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fdbnbd.KeptLinesWriter;
import io.fdbnbd.nbd.Nbd;
import io.fdbnbd.nbd.Request;
import io.fdbnbd.util.RateLimit;
import io.fdbnbd.util.Ticker;
import io.fdbnbd.volume.VolumeException;
import io.fdbnbd.volume.VolumeException.Kind;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ErrorsTest {
    private static final Request REQUEST = new Request(0, Nbd.CMD_WRITE, 0, 0, 512);
    private final Errors errors = new Errors(new RateLimit(Ticker.SYSTEM));

    @ParameterizedTest
    @EnumSource(Kind.class)
    void onlyNumbersOfTheSpecificationAreSent(Kind kind) {
        // Without ENOMEM, which should not be used, and those that belong to single commands.
        assertTrue(Set.of(Nbd.EIO, Nbd.EINVAL, Nbd.ENOSPC, Nbd.ESHUTDOWN).contains(Errors.ofKind(kind)));
        assertTrue(Errors.optionReplyOfKind(kind) < 0);
    }

    @Test
    void aFullStoreIsEnospcAndAFailedOneEio() {
        assertEquals(Nbd.ENOSPC, errors.report("v", REQUEST, new VolumeException(Kind.NO_SPACE, "full")));
        assertEquals(Nbd.EIO, errors.report("v", REQUEST, new VolumeException(Kind.IO, "failed")));
        assertEquals(Nbd.EIO, errors.report("v", REQUEST, new VolumeException(Kind.LOST_OWNERSHIP, "lost")));
        assertEquals(Nbd.ESHUTDOWN, errors.report("v", REQUEST, new VolumeException(Kind.SHUTTING_DOWN, "end")));
    }

    /** It is said once, of the volume, and counted where a connection ends. */
    @Test
    void aVolumeThatWasLostIsNoLineForEachRequest() {
        errors.report("gone", REQUEST, new VolumeException(Kind.LOST_OWNERSHIP, "taken over"));
        assertFalse(KeptLinesWriter.has("volume 'gone'"));
        errors.report("gone", REQUEST, new VolumeException(Kind.IO, "a disk"));
        assertTrue(KeptLinesWriter.has("volume 'gone': WRITE of 512 bytes at 0 failed: a disk"));
        assertEquals(2, errors.failed());
    }

    @Test
    void aBugIsEio() {
        assertEquals(Nbd.EIO, errors.report("v", REQUEST, new IllegalStateException("for a test")));
    }
}
