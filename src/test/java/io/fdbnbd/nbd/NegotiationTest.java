package io.fdbnbd.nbd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fdbnbd.nbd.HandshakeTalk.Reply;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
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

    // Metadata contexts

    private static final String CONTEXT = Nbd.ALLOCATION_CONTEXT;

    static byte[] queries(String export, String... queries) {
        ByteBuffer data = ByteBuffer.allocate(1 << 15);
        putString(data, export);
        data.putInt(queries.length);
        for (String query : queries) {
            putString(data, query);
        }
        return Arrays.copyOf(data.array(), data.position());
    }

    private static void putString(ByteBuffer data, String text) {
        byte[] bytes = HandshakeTalk.utf8(text);
        data.putInt(bytes.length).put(bytes);
    }

    private void structured() {
        talk.negotiate();
        talk.option(Nbd.OPT_STRUCTURED_REPLY, new byte[0]);
        assertEquals(Nbd.REP_ACK, talk.reply().type());
    }

    /** The contexts that an option is answered with, as ID=NAME; checks that it is acknowledged. */
    private List<String> contexts(int option, String export, String... queries) {
        talk.option(option, queries(export, queries));
        List<Reply> replies = talk.replies();
        assertEquals(new Reply(option, Nbd.REP_ACK), replies.removeLast());
        return replies.stream()
                .map(reply -> {
                    assertEquals(Nbd.REP_META_CONTEXT, reply.type());
                    ByteBuffer data = ByteBuffer.wrap(reply.data());
                    return data.getInt() + "=" + StandardCharsets.UTF_8.decode(data);
                })
                .toList();
    }

    private boolean tells(String export) {
        talk.option(Nbd.OPT_GO, HandshakeTalk.info(export));
        return talk.export().tellsAllocation();
    }

    @Test
    void contextsNeedStructuredReplies() {
        talk.negotiate();
        for (int option : new int[] {Nbd.OPT_LIST_META_CONTEXT, Nbd.OPT_SET_META_CONTEXT}) {
            talk.option(option, queries("disk", CONTEXT));
            assertEquals(Nbd.REP_ERR_INVALID, talk.reply().type());
        }
        assertFalse(tells("disk"));
    }

    @Test
    void contextsAreListedByNameAndByNamespace() {
        structured();
        List<String> all = List.of("0=" + CONTEXT);
        int list = Nbd.OPT_LIST_META_CONTEXT;
        assertEquals(all, contexts(list, "disk"));
        assertEquals(all, contexts(list, ""));
        assertEquals(all, contexts(list, "disk", "base:"));
        assertEquals(all, contexts(list, "disk", "x-other:", "base:nothing", CONTEXT, "base:"));
        assertEquals(List.of(), contexts(list, "disk", "x-other:", "base:nothing", "base", "", "qemu:"));
        assertFalse(tells("disk"));
    }

    @Test
    void aContextIsSelectedByItsWholeName() {
        structured();
        assertEquals(List.of("1=" + CONTEXT), contexts(Nbd.OPT_SET_META_CONTEXT, "disk", "x-other:a", CONTEXT));
        assertTrue(tells("disk"));
    }

    @Test
    void aNamespaceSelectsNothing() {
        structured();
        assertEquals(List.of(), contexts(Nbd.OPT_SET_META_CONTEXT, "disk", "base:", "base:nothing", "base:Allocation"));
        assertFalse(tells("disk"));
    }

    @Test
    void everySelectionReplacesTheOneBeforeEvenIfItFails() {
        for (byte[] second : List.of(
                queries("disk"),
                queries("disk", "base:"),
                queries("nothing", CONTEXT),
                new byte[1],
                new byte[Nbd.OPTION_BYTES_MAX + 1])) {
            NegotiationTest fresh = new NegotiationTest();
            fresh.structured();
            assertEquals(
                    1, fresh.contexts(Nbd.OPT_SET_META_CONTEXT, "disk", CONTEXT).size());
            fresh.talk.option(Nbd.OPT_SET_META_CONTEXT, second);
            fresh.talk.replies();
            assertFalse(fresh.tells("disk"));
        }
    }

    @Test
    void listingSelectsNothingAndKeepsWhatIsSelected() {
        structured();
        contexts(Nbd.OPT_SET_META_CONTEXT, "disk", CONTEXT);
        contexts(Nbd.OPT_LIST_META_CONTEXT, "disk", "x-other:");
        assertTrue(tells("disk"));
    }

    @Test
    void aSelectionIsGoodForItsExportOnly() {
        talk.exports.add("other");
        structured();
        contexts(Nbd.OPT_SET_META_CONTEXT, "other", CONTEXT);
        assertFalse(tells("disk"));
    }

    @Test
    void contextsOfAnUnknownExportAreUnknown() {
        structured();
        for (int option : new int[] {Nbd.OPT_LIST_META_CONTEXT, Nbd.OPT_SET_META_CONTEXT}) {
            talk.option(option, queries("nothing", CONTEXT));
            assertEquals(Nbd.REP_ERR_UNKNOWN, talk.reply().type());
        }
    }

    @Test
    void queriesWhoseLengthsDoNotFitAreInvalid() {
        structured();
        byte[] good = queries("disk", CONTEXT, "base:");
        for (int option : new int[] {Nbd.OPT_LIST_META_CONTEXT, Nbd.OPT_SET_META_CONTEXT}) {
            for (int length = 0; length < good.length; length++) {
                talk.option(option, Arrays.copyOf(good, length));
                assertEquals(Nbd.REP_ERR_INVALID, talk.reply().type(), "length " + length);
            }
            talk.option(option, Arrays.copyOf(good, good.length + 1));
            assertEquals(Nbd.REP_ERR_INVALID, talk.reply().type());
            talk.option(option, queries("disk", "x".repeat(Nbd.STRING_BYTES_MAX + 1)));
            assertEquals(Nbd.REP_ERR_INVALID, talk.reply().type());
            ByteBuffer many = ByteBuffer.wrap(queries("disk")).putInt(8, -1);
            talk.option(option, many.array());
            assertEquals(Nbd.REP_ERR_INVALID, talk.reply().type());
        }
    }

    // Extended headers

    private void extended() {
        talk.negotiate();
        talk.option(Nbd.OPT_EXTENDED_HEADERS, new byte[0]);
        assertEquals(new Reply(Nbd.OPT_EXTENDED_HEADERS, Nbd.REP_ACK), talk.reply());
    }

    @Test
    void extendedHeadersNeedNothingBeforeThemAndBringTheRest() {
        extended();
        assertEquals(1, contexts(Nbd.OPT_SET_META_CONTEXT, "disk", CONTEXT).size());
        assertTrue(tells("disk"));
        assertTrue(talk.export().has(Nbd.TRANSMIT_SEND_DF));
        assertEquals(Framing.EXTENDED, talk.framing());
    }

    @Test
    void extendedHeadersWithDataAreInvalid() {
        talk.negotiate();
        talk.option(Nbd.OPT_EXTENDED_HEADERS, new byte[1]);
        assertEquals(Nbd.REP_ERR_INVALID, talk.reply().type());
        assertEquals(Framing.SIMPLE, talk.framing());
    }

    @Test
    void extendedHeadersAfterStructuredRepliesAreExtendedAndTheOtherWayRoundIsRefused() {
        structured();
        talk.option(Nbd.OPT_EXTENDED_HEADERS, new byte[0]);
        assertEquals(Nbd.REP_ACK, talk.reply().type());
        talk.option(Nbd.OPT_STRUCTURED_REPLY, new byte[0]);
        assertEquals(Nbd.REP_ERR_EXT_HEADER_REQD, talk.reply().type());
        assertEquals(Framing.EXTENDED, talk.framing());
        assertFalse(tells("disk"));
    }

    @Test
    void exportNameAfterExtendedHeadersIsClosedWithoutAWord() {
        extended();
        talk.option(Nbd.OPT_EXPORT_NAME, HandshakeTalk.utf8("disk"));
        assertEquals(Handshake.Step.CLOSE, talk.step());
        assertEquals(0, talk.outputBytes());
    }
}
