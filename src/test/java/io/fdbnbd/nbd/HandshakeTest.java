package io.fdbnbd.nbd;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fdbnbd.nbd.Handshake.Step;
import io.fdbnbd.nbd.HandshakeTalk.Reply;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HandshakeTest {
    private static final int UNKNOWN_OPTION = 0x7654_3210;

    private final HandshakeTalk talk = new HandshakeTalk();

    @Test
    void theGreetingOffersFixedNewstyleAndNoZeroesAndNothingElse() {
        ByteBuffer greeting = talk.greeting();
        assertEquals(Nbd.INIT_MAGIC, greeting.getLong());
        assertEquals(Nbd.OPTION_MAGIC, greeting.getLong());
        assertEquals(0b11, greeting.getShort());
        assertFalse(greeting.hasRemaining());
    }

    @ParameterizedTest
    @ValueSource(ints = {4, 7, 1 << 31, -1})
    void unknownClientFlagsEndTheConnection(int flags) {
        assertEquals(Step.CLOSE, talk.flags(flags));
        assertEquals(0, talk.outputBytes());
    }

    @Test
    void aClientWithoutFixedNewstyleMayOnlyNameAnExport() {
        talk.flags(0);
        talk.option(Nbd.OPT_EXPORT_NAME, HandshakeTalk.utf8("disk"));
        assertEquals(Step.TRANSMISSION, talk.step());
    }

    @Test
    void aClientWithoutFixedNewstyleIsClosedOnAnyOtherOption() {
        talk.flags(0);
        talk.option(Nbd.OPT_LIST, new byte[0]);
        assertEquals(Step.CLOSE, talk.step());
        assertEquals(0, talk.outputBytes());
    }

    @Test
    void aWrongOptionMagicEndsTheConnection() {
        talk.flags(Nbd.FLAG_FIXED_NEWSTYLE);
        talk.receive(ByteBuffer.allocate(16).putLong(Nbd.OPTION_MAGIC ^ 1).array());
        assertEquals(Step.CLOSE, talk.step());
    }

    @Test
    void everyOptionIsAnsweredWithItsOwnNumber() {
        talk.negotiate();
        for (int option : new int[] {Nbd.OPT_STARTTLS, Nbd.OPT_INFO, Nbd.OPT_GO, UNKNOWN_OPTION, -1}) {
            talk.option(option, new byte[1]);
            assertEquals(option, talk.reply().option());
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {Nbd.OPT_STARTTLS, 4, UNKNOWN_OPTION})
    void anOptionWeDoNotKnowIsConsumedAndTheNextIsUnderstood(int option) {
        talk.negotiate();
        talk.option(option, HandshakeTalk.utf8("twenty bytes of data"));
        assertEquals(Nbd.REP_ERR_UNSUP, talk.reply().type());
        assertGoWorks();
    }

    @Test
    void anUnknownOptionLargerThanAnyBufferIsConsumed() {
        talk.negotiate();
        talk.option(UNKNOWN_OPTION, new byte[1 << 20]);
        assertEquals(Nbd.REP_ERR_UNSUP, talk.reply().type());
        assertGoWorks();
    }

    @Test
    void aKnownOptionLargerThanTheLimitIsConsumedAndCalledTooBig() {
        talk.negotiate();
        talk.option(Nbd.OPT_GO, new byte[Nbd.OPTION_BYTES_MAX + 1]);
        assertEquals(Nbd.REP_ERR_TOO_BIG, talk.reply().type());
        assertGoWorks();
    }

    @ParameterizedTest
    @ValueSource(ints = {Nbd.OPTION_DISCARD_BYTES_MAX + 1, Integer.MAX_VALUE, Integer.MIN_VALUE, -1})
    void anAbsurdlyLongOptionEndsTheConnection(int length) {
        talk.negotiate();
        talk.header(UNKNOWN_OPTION, length);
        assertEquals(Step.CLOSE, talk.step());
        assertEquals(0, talk.outputBytes());
    }

    @Test
    void optionsWithoutEndEndTheConnection() {
        talk.negotiate();
        for (int i = 0; i < Nbd.OPTIONS_MAX; i++) {
            talk.option(UNKNOWN_OPTION, new byte[0]);
            assertEquals(Nbd.REP_ERR_UNSUP, talk.reply().type());
        }
        talk.option(UNKNOWN_OPTION, new byte[0]);
        assertEquals(Step.CLOSE, talk.step());
    }

    // Strings

    @Test
    void aNameOf4096BytesIsTakenAndOneOf4097IsNot() {
        talk.exports.add("x".repeat(Nbd.STRING_BYTES_MAX));
        talk.negotiate();
        talk.option(Nbd.OPT_INFO, HandshakeTalk.info("x".repeat(Nbd.STRING_BYTES_MAX + 1)));
        assertEquals(Nbd.REP_ERR_INVALID, talk.reply().type());
        talk.option(Nbd.OPT_GO, HandshakeTalk.info("x".repeat(Nbd.STRING_BYTES_MAX), Nbd.INFO_NAME));
        assertEquals(Step.TRANSMISSION, talk.step());
    }

    @Test
    void theLargestGoIsTaken() {
        int requests = (Nbd.OPTION_BYTES_MAX - 4 - 2 - Nbd.STRING_BYTES_MAX) / 2;
        int[] infos = new int[requests];
        Arrays.fill(infos, Nbd.INFO_BLOCK_SIZE);
        String name = "y".repeat(Nbd.STRING_BYTES_MAX);
        talk.exports.add(name);
        talk.negotiate();
        talk.option(Nbd.OPT_GO, HandshakeTalk.info(name, infos));
        assertEquals(Step.TRANSMISSION, talk.step());
    }

    @Test
    void aNameWithANulIsInvalid() {
        talk.negotiate();
        talk.option(Nbd.OPT_GO, HandshakeTalk.info("di\0sk"));
        assertEquals(Nbd.REP_ERR_INVALID, talk.reply().type());
        assertGoWorks();
    }

    @Test
    void aNameThatIsNotUtf8IsInvalid() {
        talk.negotiate();
        talk.option(Nbd.OPT_GO, HandshakeTalk.info(new byte[] {'d', (byte) 0xc3, (byte) 0x28}));
        assertEquals(Nbd.REP_ERR_INVALID, talk.reply().type());
        assertGoWorks();
    }

    @Test
    void aNameOutsideOfAsciiIsFound() {
        talk.exports.add("Gerät-π-🚀");
        talk.negotiate();
        talk.option(Nbd.OPT_GO, HandshakeTalk.info("Gerät-π-🚀"));
        assertEquals(Step.TRANSMISSION, talk.step());
        assertEquals("Gerät-π-🚀", talk.export().name());
    }

    @Test
    void messagesOfRefusalsStayShort() {
        talk.negotiate();
        talk.option(Nbd.OPT_GO, HandshakeTalk.info("🚀".repeat(1000)));
        Reply reply = talk.reply();
        assertEquals(Nbd.REP_ERR_UNKNOWN, reply.type());
        assertTrue(reply.data().length > 0 && reply.data().length < 4096, "nbd-client loses step over longer ones");
    }

    // EXPORT_NAME

    @Test
    void exportNameIsFollowedByZeroesUnlessTheClientDeclined() {
        talk.flags(Nbd.FLAG_FIXED_NEWSTYLE);
        talk.option(Nbd.OPT_EXPORT_NAME, HandshakeTalk.utf8("disk"));
        ByteBuffer out = talk.output();
        assertEquals(8 + 2 + 124, out.remaining());
        assertEquals(HandshakeTalk.SIZE_BYTES, out.getLong());
        assertEquals(HandshakeTalk.FLAGS, Short.toUnsignedInt(out.getShort()));
        byte[] zeroes = new byte[124];
        out.get(zeroes);
        assertArrayEquals(new byte[124], zeroes);
    }

    @Test
    void exportNameHasNoZeroesForAClientThatDeclined() {
        talk.negotiate();
        talk.option(Nbd.OPT_EXPORT_NAME, HandshakeTalk.utf8("disk"));
        assertEquals(8 + 2, talk.outputBytes());
        assertEquals(Step.TRANSMISSION, talk.step());
    }

    @ParameterizedTest
    @ValueSource(strings = {"nothing", "di\0sk"})
    void exportNameOfNothingIsClosedWithoutAWord(String name) {
        talk.negotiate();
        talk.option(Nbd.OPT_EXPORT_NAME, HandshakeTalk.utf8(name));
        assertEquals(Step.CLOSE, talk.step());
        assertEquals(0, talk.outputBytes());
    }

    @Test
    void exportNameOf4097BytesIsClosedWithoutAWord() {
        talk.negotiate();
        talk.header(Nbd.OPT_EXPORT_NAME, Nbd.STRING_BYTES_MAX + 1);
        assertEquals(Step.CLOSE, talk.step());
        assertEquals(0, talk.outputBytes());
    }

    @Test
    void anEmptyNameIsTheDefaultExport() {
        talk.negotiate();
        talk.option(Nbd.OPT_EXPORT_NAME, new byte[0]);
        assertEquals(Step.TRANSMISSION, talk.step());
        assertEquals("disk", talk.export().name());
    }

    @Test
    void anEmptyNameWithoutADefaultExportIsClosed() {
        talk.exports.add("another");
        talk.negotiate();
        talk.option(Nbd.OPT_EXPORT_NAME, new byte[0]);
        assertEquals(Step.CLOSE, talk.step());
    }

    @Test
    void exportNameWorksAfterOtherOptions() {
        talk.negotiate();
        talk.option(Nbd.OPT_LIST, new byte[0]);
        talk.output();
        talk.option(Nbd.OPT_EXPORT_NAME, HandshakeTalk.utf8("disk"));
        assertEquals(Step.TRANSMISSION, talk.step());
    }

    // ABORT and LIST

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 100_000})
    void abortIsAcknowledgedWhateverItCarries(int bytes) {
        talk.negotiate();
        talk.option(Nbd.OPT_ABORT, new byte[bytes]);
        assertEquals(new Reply(Nbd.OPT_ABORT, Nbd.REP_ACK), talk.reply());
        assertEquals(Step.CLOSE, talk.step());
        assertEquals("", talk.refusal(), "that is the client's own wish");
    }

    @Test
    void listNamesEveryExportAndEndsWithAnAcknowledgement() {
        talk.exports.add("b");
        talk.exports.add("Gerät");
        talk.negotiate();
        talk.option(Nbd.OPT_LIST, new byte[0]);
        for (String name : List.of("disk", "b", "Gerät")) {
            Reply reply = talk.reply();
            assertEquals(Nbd.REP_SERVER, reply.type());
            ByteBuffer data = ByteBuffer.wrap(reply.data());
            byte[] bytes = new byte[data.getInt()];
            data.get(bytes);
            assertEquals(name, new String(bytes, StandardCharsets.UTF_8));
            assertFalse(data.hasRemaining());
        }
        assertEquals(new Reply(Nbd.OPT_LIST, Nbd.REP_ACK), talk.reply());
        assertGoWorks();
    }

    @Test
    void aListLongerThanAnyBufferIsSentInParts() {
        for (int i = 0; i < 10_000; i++) {
            talk.exports.add("volume-" + i);
        }
        talk.negotiate();
        talk.option(Nbd.OPT_LIST, new byte[0]);
        for (int i = 0; i < 10_001; i++) {
            assertEquals(Nbd.REP_SERVER, talk.reply().type());
        }
        assertEquals(Nbd.REP_ACK, talk.reply().type());
    }

    @Test
    void listWithDataIsInvalid() {
        talk.negotiate();
        talk.option(Nbd.OPT_LIST, new byte[3]);
        assertEquals(Nbd.REP_ERR_INVALID, talk.reply().type());
        assertGoWorks();
    }

    // INFO and GO

    @Test
    void goGivesTheExportAndNoPadding() {
        talk.flags(Nbd.FLAG_FIXED_NEWSTYLE);
        talk.option(Nbd.OPT_GO, HandshakeTalk.info("disk"));
        assertEquals(Step.TRANSMISSION, talk.step());
        Reply info = talk.reply();
        assertEquals(Nbd.REP_INFO, info.type());
        ByteBuffer expected = ByteBuffer.allocate(12)
                .putShort((short) Nbd.INFO_EXPORT)
                .putLong(HandshakeTalk.SIZE_BYTES)
                .putShort((short) HandshakeTalk.FLAGS);
        assertArrayEquals(expected.array(), info.data());
        assertEquals(new Reply(Nbd.OPT_GO, Nbd.REP_ACK), talk.reply());
        assertEquals(0, talk.outputBytes());
    }

    @Test
    void infoTellsTheSameAsGoAndStaysInTheNegotiation() {
        byte[] question = HandshakeTalk.info("disk", Nbd.INFO_BLOCK_SIZE, Nbd.INFO_NAME);
        talk.negotiate();
        talk.option(Nbd.OPT_INFO, question);
        assertEquals(Step.MORE_INPUT, talk.step());
        List<Reply> info = talk.replies();
        talk.option(Nbd.OPT_GO, question);
        List<Reply> go = talk.replies();
        assertEquals(4, info.size());
        assertEquals(info.size(), go.size());
        for (int i = 0; i < info.size(); i++) {
            assertEquals(Nbd.OPT_INFO, info.get(i).option());
            assertEquals(Nbd.OPT_GO, go.get(i).option());
            assertEquals(info.get(i).type(), go.get(i).type());
            assertArrayEquals(info.get(i).data(), go.get(i).data());
        }
        assertEquals(1, talk.exports.attached);
    }

    @Test
    void theBlockSizeIsToldToWhoAsks() {
        talk.negotiate();
        talk.option(Nbd.OPT_GO, HandshakeTalk.info("disk", Nbd.INFO_BLOCK_SIZE));
        talk.reply();
        ByteBuffer data = ByteBuffer.wrap(talk.reply().data());
        assertEquals(14, data.remaining());
        assertEquals(Nbd.INFO_BLOCK_SIZE, data.getShort());
        assertEquals(1, data.getInt());
        assertEquals(HandshakeTalk.PREFERRED_BYTES, data.getInt());
        assertEquals(32 << 20, data.getInt());
    }

    @Test
    void theNameIsToldToWhoAsks() {
        talk.negotiate();
        talk.option(Nbd.OPT_GO, HandshakeTalk.info("", Nbd.INFO_NAME));
        talk.reply();
        ByteBuffer data = ByteBuffer.wrap(talk.reply().data());
        assertEquals(Nbd.INFO_NAME, data.getShort());
        assertEquals("disk", StandardCharsets.UTF_8.decode(data).toString());
    }

    @Test
    void unknownInformationIsLeftOut() {
        talk.negotiate();
        talk.option(Nbd.OPT_GO, HandshakeTalk.info("disk", 4711, Nbd.INFO_DESCRIPTION, 0xffff));
        assertEquals(Nbd.REP_INFO, talk.reply().type());
        assertEquals(Nbd.REP_ACK, talk.reply().type());
    }

    @Test
    void goOfAnUnknownExportLeavesTheNegotiationOpen() {
        talk.negotiate();
        talk.option(Nbd.OPT_GO, HandshakeTalk.info("nothing", Nbd.INFO_BLOCK_SIZE));
        assertEquals(Nbd.REP_ERR_UNKNOWN, talk.reply().type());
        assertEquals(0, talk.outputBytes());
        assertEquals("there is no nothing", talk.refusal());
        assertGoWorks();
    }

    @Test
    void infoAndGoWithLengthsThatDoNotFitAreInvalid() {
        List<byte[]> broken = new ArrayList<>();
        byte[] good = HandshakeTalk.info("disk", Nbd.INFO_NAME);
        for (int length = 0; length < good.length; length++) {
            broken.add(Arrays.copyOf(good, length));
        }
        broken.add(Arrays.copyOf(good, good.length + 1));
        for (int nameBytes : new int[] {-1, Integer.MIN_VALUE, Integer.MAX_VALUE, 5, 7, 1000}) {
            broken.add(ByteBuffer.wrap(good.clone()).putInt(nameBytes).array());
        }
        talk.negotiate();
        for (byte[] data : broken) {
            for (int option : new int[] {Nbd.OPT_INFO, Nbd.OPT_GO}) {
                talk.option(option, data);
                assertEquals(Nbd.REP_ERR_INVALID, talk.reply().type(), () -> Arrays.toString(data));
            }
        }
        assertGoWorks();
    }

    // The stream as such

    @Test
    void itDoesNotMatterHowTheBytesAreCut() {
        HandshakeTalk whole = new HandshakeTalk();
        HandshakeTalk cut = new HandshakeTalk();
        ByteBuffer bytes = ByteBuffer.allocate(1000);
        bytes.putInt(Nbd.FLAG_FIXED_NEWSTYLE | Nbd.FLAG_NO_ZEROES);
        HandshakeTalk.putOption(bytes, UNKNOWN_OPTION, new byte[100]);
        HandshakeTalk.putOption(bytes, Nbd.OPT_LIST, new byte[0]);
        HandshakeTalk.putOption(bytes, Nbd.OPT_INFO, HandshakeTalk.info("disk", Nbd.INFO_NAME));
        HandshakeTalk.putOption(bytes, Nbd.OPT_GO, HandshakeTalk.info("disk"));
        byte[] all = Arrays.copyOf(bytes.array(), bytes.position());
        whole.receive(all);
        for (byte one : all) {
            assertNotEquals(Step.CLOSE, cut.step());
            cut.receive(new byte[] {one});
        }
        assertEquals(Step.TRANSMISSION, cut.step());
        assertEquals(whole.output(), cut.output());
    }

    @Test
    void requestsRightBehindTheNegotiationAreLeftForTheTransmission() {
        talk.negotiate();
        ByteBuffer bytes = ByteBuffer.allocate(100);
        HandshakeTalk.putOption(bytes, Nbd.OPT_GO, HandshakeTalk.info("disk"));
        int goBytes = bytes.position();
        bytes.putInt(Nbd.REQUEST_MAGIC);
        talk.receive(Arrays.copyOf(bytes.array(), bytes.position()));
        assertEquals(Step.TRANSMISSION, talk.step());
        assertEquals(bytes.position() - goBytes, talk.leftInputBytes());
    }

    @Test
    void noiseIsAnsweredOrClosedAndNeverThrows() {
        long seed = Long.getLong("fdbnbd.seed", 20_261_122L);
        System.out.println("HandshakeTest: fdbnbd.seed=" + seed);
        Random random = new Random(seed);
        for (int round = 0; round < 3000; round++) {
            HandshakeTalk noisy = new HandshakeTalk();
            noisy.negotiate();
            for (int i = 0; i < 20 && noisy.step() == Step.MORE_INPUT; i++) {
                byte[] data = new byte[random.nextInt(40)];
                random.nextBytes(data);
                if (data.length >= 4 && random.nextBoolean()) {
                    ByteBuffer.wrap(data).putInt(random.nextInt(data.length));
                }
                noisy.option(random.nextInt(12), data);
            }
            assertNotEquals(Step.MORE_ROOM, noisy.step());
        }
    }

    private void assertGoWorks() {
        assertEquals(Step.MORE_INPUT, talk.step());
        talk.option(Nbd.OPT_GO, HandshakeTalk.info("disk"));
        assertEquals(Nbd.REP_INFO, talk.reply().type());
        assertEquals(Nbd.REP_ACK, talk.reply().type());
        assertEquals(Step.TRANSMISSION, talk.step());
    }
}
