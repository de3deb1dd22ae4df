package io.fdbnbd.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fdbnbd.nbd.Nbd;
import io.fdbnbd.nbd.Request;
import io.fdbnbd.util.Ticker;
import io.fdbnbd.volume.VolumeException;
import io.fdbnbd.volume.VolumeException.Kind;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ErrorsTest {
    private static final Request REQUEST = new Request(0, Nbd.CMD_WRITE, 0, 0, 512);
    private final Errors errors = new Errors(Ticker.SYSTEM);

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

    @Test
    void aBugIsEio() {
        assertEquals(Nbd.EIO, errors.report("v", REQUEST, new IllegalStateException("for a test")));
    }
}
