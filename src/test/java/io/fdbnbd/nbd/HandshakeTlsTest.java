package io.fdbnbd.nbd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fdbnbd.nbd.Handshake.Step;
import io.fdbnbd.nbd.Handshake.Tls;
import io.fdbnbd.nbd.HandshakeTalk.Reply;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is said about TLS, and what is not said without it; TLS itself has no part in this. */
class HandshakeTlsTest {

    private static HandshakeTalk talk(Tls tls) {
        HandshakeTalk talk = new HandshakeTalk(tls);
        talk.negotiate();
        return talk;
    }

    private static HandshakeTalk secured(Tls tls) {
        HandshakeTalk talk = talk(tls);
        talk.option(Nbd.OPT_STARTTLS, new byte[0]);
        assertEquals(new Reply(Nbd.OPT_STARTTLS, Nbd.REP_ACK), talk.reply());
        assertEquals(Step.START_TLS, talk.step());
        talk.secured();
        return talk;
    }

    private static void assertServed(HandshakeTalk talk) {
        talk.option(Nbd.OPT_GO, HandshakeTalk.info("disk"));
        assertEquals(Step.TRANSMISSION, talk.step());
    }

    @ParameterizedTest
    @EnumSource(
            value = Tls.class,
            names = {"OPTIONAL", "REQUIRED"})
    void startTlsIsAcknowledgedAndTheNegotiationGoesOnBehindIt(Tls tls) {
        HandshakeTalk talk = secured(tls);
        talk.option(Nbd.OPT_LIST, new byte[0]);
        assertEquals(Nbd.REP_SERVER, talk.reply().type());
        assertEquals(Nbd.REP_ACK, talk.reply().type());
        assertServed(talk);
    }

    /** Whoever sat in between could have asked for anything. */
    @ParameterizedTest
    @ValueSource(ints = {Nbd.OPT_STRUCTURED_REPLY, Nbd.OPT_EXTENDED_HEADERS})
    void whatWasAgreedInTheClearIsForgottenBehindTls(int option) {
        HandshakeTalk talk = talk(Tls.OPTIONAL);
        talk.option(option, new byte[0]);
        assertEquals(Nbd.REP_ACK, talk.reply().type());
        talk.option(Nbd.OPT_STARTTLS, new byte[0]);
        assertEquals(Nbd.REP_ACK, talk.reply().type());
        assertEquals(Step.START_TLS, talk.step());
        talk.secured();
        assertServed(talk);
        assertEquals(Framing.SIMPLE, talk.framing());
    }

    @Test
    void contextsSelectedInTheClearAreForgottenBehindTls() {
        HandshakeTalk talk = talk(Tls.OPTIONAL);
        talk.option(Nbd.OPT_STRUCTURED_REPLY, new byte[0]);
        talk.option(Nbd.OPT_SET_META_CONTEXT, NegotiationTest.queries("disk", Nbd.ALLOCATION_CONTEXT));
        assertEquals(3, talk.replies().size());
        talk.option(Nbd.OPT_STARTTLS, new byte[0]);
        assertEquals(Nbd.REP_ACK, talk.reply().type());
        talk.secured();
        talk.option(Nbd.OPT_STRUCTURED_REPLY, new byte[0]);
        assertEquals(Nbd.REP_ACK, talk.reply().type());
        assertServed(talk);
        assertFalse(talk.export().tellsAllocation());
    }

    @Test
    void withoutTlsStartTlsIsUnsupportedAndNothingIsCalledTlsRequired() {
        HandshakeTalk talk = talk(Tls.OFF);
        talk.option(Nbd.OPT_STARTTLS, new byte[0]);
        assertEquals(Nbd.REP_ERR_UNSUP, talk.reply().type());
        assertServed(talk);
    }

    @Test
    void whereTlsIsOptionalItCanBeLeftOut() {
        assertServed(talk(Tls.OPTIONAL));
    }

    @ParameterizedTest
    @ValueSource(
            ints = {
                Nbd.OPT_LIST,
                Nbd.OPT_INFO,
                Nbd.OPT_GO,
                Nbd.OPT_STRUCTURED_REPLY,
                Nbd.OPT_LIST_META_CONTEXT,
                Nbd.OPT_SET_META_CONTEXT,
                Nbd.OPT_EXTENDED_HEADERS,
                4,
                77,
                -1
            })
    void whereTlsIsRequiredEveryOptionIsToldSoAndNothingElse(int option) {
        HandshakeTalk talk = talk(Tls.REQUIRED);
        talk.option(option, HandshakeTalk.info("disk"));
        Reply reply = talk.reply();
        assertEquals(option, reply.option());
        assertEquals(Nbd.REP_ERR_TLS_REQD, reply.type());
        String said = new String(reply.data(), StandardCharsets.UTF_8);
        assertFalse(said.contains("disk"), said);
        talk.option(option, HandshakeTalk.info("nothing"));
        assertEquals(reply, talk.reply(), "an export that there is looks like one that there is not");
        assertEquals(0, talk.exports.attached);
        assertEquals(Step.MORE_INPUT, talk.step());
        assertEquals("TLS is required here: begin with STARTTLS", talk.refusal());
    }

    @Test
    void whereTlsIsRequiredNamingAnExportIsClosedWithoutAWord() {
        HandshakeTalk talk = talk(Tls.REQUIRED);
        talk.option(Nbd.OPT_EXPORT_NAME, HandshakeTalk.utf8("disk"));
        assertEquals(Step.CLOSE, talk.step());
        assertEquals(0, talk.outputBytes());
        assertEquals(0, talk.exports.attached);
    }

    @Test
    void whereTlsIsRequiredAbortIsAcknowledgedAllTheSame() {
        HandshakeTalk talk = talk(Tls.REQUIRED);
        talk.option(Nbd.OPT_ABORT, new byte[0]);
        assertEquals(Nbd.REP_ACK, talk.reply().type());
        assertEquals(Step.CLOSE, talk.step());
    }

    @Test
    void startTlsWithDataIsInvalid() {
        HandshakeTalk talk = talk(Tls.REQUIRED);
        talk.option(Nbd.OPT_STARTTLS, new byte[3]);
        assertEquals(Nbd.REP_ERR_INVALID, talk.reply().type());
        assertEquals(Step.MORE_INPUT, talk.step());
    }

    @Test
    void startTlsAgainIsInvalid() {
        HandshakeTalk talk = secured(Tls.REQUIRED);
        talk.option(Nbd.OPT_STARTTLS, new byte[0]);
        assertEquals(Nbd.REP_ERR_INVALID, talk.reply().type());
        assertServed(talk);
    }

    @Test
    void behindTlsNothingIsCalledTlsRequired() {
        HandshakeTalk talk = secured(Tls.REQUIRED);
        talk.option(Nbd.OPT_GO, HandshakeTalk.info("nothing"));
        assertEquals(Nbd.REP_ERR_UNKNOWN, talk.reply().type());
        talk.option(77, new byte[0]);
        assertEquals(Nbd.REP_ERR_UNSUP, talk.reply().type());
    }

    /** Whoever sits between could have put it there, to have it taken for the client's own words. */
    @ParameterizedTest
    @ValueSource(ints = {1, 16, 40})
    void whatComesBehindStartTlsInTheClearEndsTheConnection(int bytes) {
        HandshakeTalk talk = talk(Tls.REQUIRED);
        ByteBuffer both = ByteBuffer.allocate(100);
        HandshakeTalk.putOption(both, Nbd.OPT_STARTTLS, new byte[0]);
        HandshakeTalk.putOption(both, Nbd.OPT_GO, HandshakeTalk.info("disk"));
        byte[] sent = new byte[Nbd.OPTION_HEADER_BYTES + bytes];
        both.get(0, sent);
        talk.receive(sent);
        assertEquals(Step.CLOSE, talk.step());
        assertEquals(0, talk.outputBytes());
        assertEquals(0, talk.exports.attached);
    }

    @Test
    void aClientWithoutFixedNewstyleGetsNothingWhereTlsIsRequired() {
        for (int option : new int[] {Nbd.OPT_STARTTLS, Nbd.OPT_EXPORT_NAME}) {
            HandshakeTalk talk = new HandshakeTalk(Tls.REQUIRED);
            talk.flags(0);
            talk.option(option, option == Nbd.OPT_STARTTLS ? new byte[0] : HandshakeTalk.utf8("disk"));
            assertEquals(Step.CLOSE, talk.step());
            assertEquals(0, talk.outputBytes());
        }
    }

    @Test
    void theClientsFlagsHoldBehindTls() {
        HandshakeTalk talk = secured(Tls.OPTIONAL);
        talk.option(Nbd.OPT_EXPORT_NAME, HandshakeTalk.utf8("disk"));
        assertEquals(Step.TRANSMISSION, talk.step());
        assertEquals(8 + 2, talk.outputBytes(), "no zeroes");
        assertTrue(talk.exports.attached > 0);
    }
}
