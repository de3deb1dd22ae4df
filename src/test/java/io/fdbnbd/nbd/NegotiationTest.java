package io.fdbnbd.nbd;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.fdbnbd.nbd.HandshakeTalk.Reply;
import java.nio.ByteBuffer;
import org.junit.jupiter.api.Test;

/** What a client can have beyond the baseline, and when. */
class NegotiationTest {
    private final HandshakeTalk talk = new HandshakeTalk();

    @Test
    void structuredRepliesAreAcknowledgedAndOnlyThenIsDfAdvertised() {
        talk.negotiate();
        assertEquals(Framing.SIMPLE, talk.framing());
        talk.option(Nbd.OPT_INFO, HandshakeTalk.info("disk"));
        assertEquals(
                HandshakeTalk.FLAGS & ~Nbd.TRANSMIT_SEND_DF,
                flagsOf(talk.replies().getFirst()));
        talk.option(Nbd.OPT_STRUCTURED_REPLY, new byte[1]);
        assertEquals(Nbd.REP_ERR_INVALID, talk.reply().type());
        assertEquals(Framing.SIMPLE, talk.framing());
        for (int i = 0; i < 2; i++) {
            talk.option(Nbd.OPT_STRUCTURED_REPLY, new byte[0]);
            assertEquals(new Reply(Nbd.OPT_STRUCTURED_REPLY, Nbd.REP_ACK), talk.reply());
        }
        for (int option : new int[] {Nbd.OPT_INFO, Nbd.OPT_GO}) {
            talk.option(option, HandshakeTalk.info("disk"));
            assertEquals(
                    HandshakeTalk.FLAGS | Nbd.TRANSMIT_SEND_DF,
                    flagsOf(talk.replies().getFirst()));
        }
        assertEquals(Framing.STRUCTURED, talk.framing());
        assertEquals(HandshakeTalk.FLAGS | Nbd.TRANSMIT_SEND_DF, talk.export().flags());
    }

    @Test
    void exportNameAdvertisesDfToo() {
        talk.negotiate();
        talk.option(Nbd.OPT_STRUCTURED_REPLY, new byte[0]);
        talk.reply();
        talk.option(Nbd.OPT_EXPORT_NAME, HandshakeTalk.utf8("disk"));
        assertEquals(
                HandshakeTalk.FLAGS | Nbd.TRANSMIT_SEND_DF,
                Short.toUnsignedInt(talk.output().getShort(8)));
    }

    private static int flagsOf(Reply info) {
        ByteBuffer data = ByteBuffer.wrap(info.data());
        assertEquals(Nbd.INFO_EXPORT, data.getShort());
        return Short.toUnsignedInt(data.getShort(Short.BYTES + Long.BYTES));
    }
}
