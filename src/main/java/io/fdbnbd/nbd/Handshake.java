package io.fdbnbd.nbd;

import static io.fdbnbd.util.Checks.check;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.Iterator;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The server's side of a connection up to the first request: bytes in, bytes out, no sockets and no clock. Used by one
 * thread:
 *
 * <pre>
 * handshake.greet(out);
 * do { send out; step = handshake.advance(in, out); if MORE_INPUT, receive into in } until TRANSMISSION or CLOSE
 * send out
 * </pre>
 *
 * <p>Whatever a client sends, options are answered and consumed one by one, so that it can go on with the next; the
 * connection ends only where the protocol leaves no other answer, or where a limit of {@link Nbd} is passed.
 */
public final class Handshake {

    /** What the caller has to do next. */
    public enum Step {
        /** Receive more bytes. */
        MORE_INPUT,
        /** Send what there is: the replies need room. */
        MORE_ROOM,
        /** Send what there is, make the connection secure, call {@link #secured}, and go on with an empty {@code in}. */
        START_TLS,
        /** Send what there is, then serve requests for {@link #export}; what is left in {@code in} are requests. */
        TRANSMISSION,
        /** Send what there is, then close. */
        CLOSE
    }

    /** What a client may and must do about TLS. */
    public enum Tls {
        /** There is none. */
        OFF,
        /** Who asks for it gets it. */
        OPTIONAL,
        /** Who does not ask for it gets nothing, and learns nothing. */
        REQUIRED,
        /** The connection is secure. */
        ON
    }

    /** {@code in} must have this capacity at least. */
    public static final int INPUT_BYTES_MIN = Nbd.OPTION_BYTES_MAX;

    /** {@code out} must have this capacity at least: room for all replies to one option, of LIST for one name. */
    public static final int OUTPUT_BYTES_MIN = 8 << 10;

    private static final int MESSAGE_CHARS_MAX = 1000;

    private enum State {
        CLIENT_FLAGS,
        OPTION,
        OPTION_DATA,
        DISCARD,
        LISTING,
        STARTING_TLS,
        TRANSMISSION,
        CLOSED
    }

    private final Exports exports;
    private final MetaContexts contexts;

    private Tls tls;
    private State state = State.CLIENT_FLAGS;
    private boolean zeroes = true;
    private boolean fixedNewstyle;
    private int options;
    private int option;
    private int optionBytes;
    private int discardBytes;
    private int replyAfterDiscard;
    private Iterator<String> listing = Collections.emptyIterator();
    private Framing framing = Framing.SIMPLE;
    private @Nullable Export export;
    private String closeReason = "";
    private String refusal = "";

    public Handshake(Exports exports, Tls tls) {
        this.exports = exports;
        this.tls = tls;
        this.contexts = new MetaContexts(exports);
    }

    /** The server speaks first. */
    public void greet(ByteBuffer out) {
        Replies.putGreeting(out);
    }

    /**
     * The connection is secure now, after {@link Step#START_TLS}: whatever was negotiated before is forgotten, for anybody
     * could have said it. Only the client's flags stay, which are never sent again.
     */
    public void secured() {
        check(state == State.STARTING_TLS, "TLS was not asked for");
        tls = Tls.ON;
        // Whoever was in between may have asked for it.
        framing = Framing.SIMPLE;
        contexts.forget();
        state = State.OPTION;
    }

    /** What the client chose, after {@link Step#TRANSMISSION}. */
    public Export export() {
        return Objects.requireNonNull(export, "no export was chosen");
    }

    /** How requests and replies look from now on, after {@link Step#TRANSMISSION}. */
    public Framing framing() {
        return framing;
    }

    /** Why {@link Step#CLOSE}, for the log. */
    public String closeReason() {
        return closeReason;
    }

    /** Why the client has no export, for the log; may quote the client. Empty while it was refused nothing of that kind. */
    public String refusal() {
        return refusal;
    }

    /** Takes what it can from {@code in} and puts the replies into {@code out}. */
    public Step advance(ByteBuffer in, ByteBuffer out) {
        while (true) {
            if (out.remaining() < OUTPUT_BYTES_MIN) {
                return Step.MORE_ROOM;
            }
            boolean advanced = switch (state) {
                case CLIENT_FLAGS -> takeClientFlags(in);
                case OPTION -> takeOption(in);
                case OPTION_DATA -> takeOptionData(in, out);
                case DISCARD -> discard(in, out);
                case LISTING -> list(out);
                case STARTING_TLS, TRANSMISSION, CLOSED -> false;
            };
            if (!advanced) {
                return switch (state) {
                    case STARTING_TLS -> Step.START_TLS;
                    case TRANSMISSION -> Step.TRANSMISSION;
                    case CLOSED -> Step.CLOSE;
                    default -> Step.MORE_INPUT;
                };
            }
        }
    }

    private boolean takeClientFlags(ByteBuffer in) {
        if (in.remaining() < Nbd.CLIENT_FLAGS_BYTES) {
            return false;
        }
        int flags = in.getInt();
        if ((flags & ~(Nbd.FLAG_FIXED_NEWSTYLE | Nbd.FLAG_NO_ZEROES)) != 0) {
            return close("it sent unknown client flags 0x" + Integer.toHexString(flags));
        }
        fixedNewstyle = (flags & Nbd.FLAG_FIXED_NEWSTYLE) != 0;
        zeroes = (flags & Nbd.FLAG_NO_ZEROES) == 0;
        state = State.OPTION;
        return true;
    }

    private boolean takeOption(ByteBuffer in) {
        if (in.remaining() < Nbd.OPTION_HEADER_BYTES) {
            return false;
        }
        if (in.getLong() != Nbd.OPTION_MAGIC) {
            return close("an option did not start with its magic number");
        }
        option = in.getInt();
        optionBytes = in.getInt();
        if (++options > Nbd.OPTIONS_MAX) {
            return close("it sent more than " + Nbd.OPTIONS_MAX + " options");
        }
        if (optionBytes < 0 || optionBytes > Nbd.OPTION_DISCARD_BYTES_MAX) {
            return close("it sent an option of " + Integer.toUnsignedString(optionBytes) + " bytes");
        }
        if (!fixedNewstyle && option != Nbd.OPT_EXPORT_NAME) {
            return close("it sent option " + Integer.toUnsignedString(option) + " without negotiating fixed newstyle");
        }
        if (tls == Tls.REQUIRED && option != Nbd.OPT_STARTTLS && option != Nbd.OPT_ABORT) {
            return option == Nbd.OPT_EXPORT_NAME
                    ? close("it named an export without TLS, which is required here")
                    : discardThen(Nbd.REP_ERR_TLS_REQD);
        }
        return dispatch();
    }

    /** Which options there are: every other is consumed and called unsupported. */
    private boolean dispatch() {
        if (option == Nbd.OPT_SET_META_CONTEXT) {
            contexts.forget();
        }
        return switch (option) {
            case Nbd.OPT_EXPORT_NAME ->
                optionBytes > Nbd.STRING_BYTES_MAX
                        ? close("it asked for an export name of " + optionBytes + " bytes")
                        : enter(State.OPTION_DATA);
            case Nbd.OPT_INFO, Nbd.OPT_GO, Nbd.OPT_LIST_META_CONTEXT, Nbd.OPT_SET_META_CONTEXT ->
                optionBytes > Nbd.OPTION_BYTES_MAX ? discardThen(Nbd.REP_ERR_TOO_BIG) : enter(State.OPTION_DATA);
            case Nbd.OPT_LIST, Nbd.OPT_STRUCTURED_REPLY, Nbd.OPT_EXTENDED_HEADERS ->
                optionBytes == 0 ? enter(State.OPTION_DATA) : discardThen(Nbd.REP_ERR_INVALID);
            case Nbd.OPT_ABORT -> discardThen(Nbd.REP_ACK);
            case Nbd.OPT_STARTTLS -> tls == Tls.OFF ? discardThen(Nbd.REP_ERR_UNSUP) : discardThen(startTlsReply());
            default -> discardThen(Nbd.REP_ERR_UNSUP);
        };
    }

    private int startTlsReply() {
        return optionBytes == 0 && tls != Tls.ON ? Nbd.REP_ACK : Nbd.REP_ERR_INVALID;
    }

    private boolean discardThen(int reply) {
        discardBytes = optionBytes;
        replyAfterDiscard = reply;
        return enter(State.DISCARD);
    }

    private boolean discard(ByteBuffer in, ByteBuffer out) {
        int bytes = Math.min(discardBytes, in.remaining());
        in.position(in.position() + bytes);
        discardBytes -= bytes;
        if (discardBytes > 0) {
            return false;
        }
        if (option == Nbd.OPT_ABORT) {
            Replies.putOptionReply(out, option, Nbd.REP_ACK, 0);
            closeReason = "it aborted the negotiation";
            return enter(State.CLOSED);
        }
        if (option == Nbd.OPT_STARTTLS && replyAfterDiscard == Nbd.REP_ACK) {
            return startTls(in, out);
        }
        switch (replyAfterDiscard) {
            case Nbd.REP_ERR_TLS_REQD ->
                refuseExport(out, replyAfterDiscard, "TLS is required here: begin with STARTTLS");
            case Nbd.REP_ERR_INVALID ->
                refuse(out, replyAfterDiscard, optionBytes == 0 ? "TLS is on already" : "this option takes no data");
            case Nbd.REP_ERR_TOO_BIG ->
                refuse(out, replyAfterDiscard, "this option has more than " + Nbd.OPTION_BYTES_MAX + " bytes");
            default -> refuse(out, replyAfterDiscard, "option " + Integer.toUnsignedString(option) + " is unknown");
        }
        return enter(State.OPTION);
    }

    /** Who sends more before the answer wants it taken for what came through TLS: somebody else may have put it there. */
    private boolean startTls(ByteBuffer in, ByteBuffer out) {
        if (in.hasRemaining()) {
            return close("it sent more behind STARTTLS without waiting for the answer");
        }
        Replies.putOptionReply(out, option, Nbd.REP_ACK, 0);
        return enter(State.STARTING_TLS);
    }

    private boolean takeOptionData(ByteBuffer in, ByteBuffer out) {
        if (in.remaining() < optionBytes) {
            return false;
        }
        ByteBuffer data = in.slice(in.position(), optionBytes);
        in.position(in.position() + optionBytes);
        state = State.OPTION;
        try {
            switch (option) {
                case Nbd.OPT_EXPORT_NAME -> exportName(data, out);
                case Nbd.OPT_LIST -> {
                    listing = exports.names().iterator();
                    state = State.LISTING;
                }
                case Nbd.OPT_STRUCTURED_REPLY, Nbd.OPT_EXTENDED_HEADERS -> frame(out);
                case Nbd.OPT_LIST_META_CONTEXT, Nbd.OPT_SET_META_CONTEXT -> metaContext(data, out);
                default -> infoOrGo(data, out);
            }
        } catch (ExportRefusedException e) {
            if (option == Nbd.OPT_EXPORT_NAME) {
                return close(e.getMessage()); // it has no error reply
            }
            if (option == Nbd.OPT_GO || option == Nbd.OPT_INFO) {
                refuseExport(out, e.reply(), e.getMessage());
            } else {
                refuse(out, e.reply(), e.getMessage());
            }
        }
        return true;
    }

    private void frame(ByteBuffer out) throws ExportRefusedException {
        if (option == Nbd.OPT_EXTENDED_HEADERS) {
            framing = Framing.EXTENDED;
        } else if (framing == Framing.EXTENDED) {
            throw new ExportRefusedException(
                    Nbd.REP_ERR_EXT_HEADER_REQD,
                    "extended headers were negotiated, and those need no structured replies");
        } else {
            framing = Framing.STRUCTURED;
        }
        Replies.putOptionReply(out, option, Nbd.REP_ACK, 0);
    }

    private void exportName(ByteBuffer data, ByteBuffer out) throws ExportRefusedException {
        if (framing == Framing.EXTENDED) {
            throw invalid("it sent EXPORT_NAME after it had negotiated extended headers");
        }
        Export chosen = asNegotiated(exports.attach(string(data)));
        Replies.putExportName(out, chosen, zeroes);
        export = chosen;
        state = State.TRANSMISSION;
    }

    private void metaContext(ByteBuffer data, ByteBuffer out) throws ExportRefusedException {
        if (framing == Framing.SIMPLE) {
            throw invalid("metadata contexts need structured replies: negotiate those first");
        }
        contexts.answer(option, data, out);
        Replies.putOptionReply(out, option, Nbd.REP_ACK, 0);
    }

    private void infoOrGo(ByteBuffer data, ByteBuffer out) throws ExportRefusedException {
        boolean go = option == Nbd.OPT_GO;
        String name = takeString(data);
        if (data.remaining() < Short.BYTES) {
            throw invalid("the option is too short");
        }
        int requests = Short.toUnsignedInt(data.getShort());
        if (data.remaining() != requests * Short.BYTES) {
            throw invalid("the option's length does not fit its number of information requests");
        }
        Export found = asNegotiated(go ? exports.attach(name) : exports.find(name));
        putInfos(found, data, out);
        Replies.putOptionReply(out, option, Nbd.REP_ACK, 0);
        if (go) {
            export = found;
            state = State.TRANSMISSION;
        }
    }

    /** DF means something to a client that takes structured replies only. */
    private Export asNegotiated(Export export) {
        Export told = export.tellingAllocation(contexts.areSelectedFor(export));
        return framing == Framing.SIMPLE ? told : told.with(Nbd.TRANSMIT_SEND_DF);
    }

    /** One reply for each kind that was asked for, however often; kinds we do not know are left out. */
    private void putInfos(Export found, ByteBuffer requests, ByteBuffer out) {
        boolean wantsName = false;
        boolean wantsBlockSize = false;
        while (requests.hasRemaining()) {
            int kind = Short.toUnsignedInt(requests.getShort());
            wantsName |= kind == Nbd.INFO_NAME;
            wantsBlockSize |= kind == Nbd.INFO_BLOCK_SIZE;
        }
        Replies.putInfoExport(out, option, found);
        if (wantsName) {
            Replies.putInfoName(out, option, found.name().getBytes(StandardCharsets.UTF_8));
        }
        if (wantsBlockSize) {
            Replies.putInfoBlockSize(out, option, found);
        }
    }

    private boolean list(ByteBuffer out) {
        if (listing.hasNext()) {
            byte[] name = listing.next().getBytes(StandardCharsets.UTF_8);
            check(name.length <= Nbd.STRING_BYTES_MAX, "an export's name is too long for the protocol");
            Replies.putServer(out, name);
            return true;
        }
        Replies.putOptionReply(out, option, Nbd.REP_ACK, 0);
        return enter(State.OPTION);
    }

    private void refuseExport(ByteBuffer out, int reply, String message) {
        refusal = message;
        refuse(out, reply, message);
    }

    private void refuse(ByteBuffer out, int reply, String message) {
        // Shorter than 4096 bytes in any case: some clients lose step over longer ones.
        String shown = message.substring(0, Math.min(message.length(), MESSAGE_CHARS_MAX));
        byte[] text = shown.getBytes(StandardCharsets.UTF_8);
        Replies.putOptionReply(out, option, reply, text.length);
        out.put(text);
    }

    private boolean enter(State next) {
        state = next;
        return true;
    }

    private boolean close(String reason) {
        closeReason = reason;
        refusal = reason;
        return enter(State.CLOSED);
    }

    static int takeInt(ByteBuffer data) throws ExportRefusedException {
        if (data.remaining() < Integer.BYTES) {
            throw invalid("the option is too short");
        }
        return data.getInt();
    }

    /** A string behind its length. */
    static String takeString(ByteBuffer data) throws ExportRefusedException {
        int bytes = takeInt(data);
        if (bytes < 0 || bytes > data.remaining()) {
            throw invalid("a string is longer than the option");
        }
        String text = string(data.slice(data.position(), bytes));
        data.position(data.position() + bytes);
        return text;
    }

    private static String string(ByteBuffer bytes) throws ExportRefusedException {
        if (bytes.remaining() > Nbd.STRING_BYTES_MAX) {
            throw invalid("a string is longer than " + Nbd.STRING_BYTES_MAX + " bytes");
        }
        String text;
        try {
            text = StandardCharsets.UTF_8.newDecoder().decode(bytes).toString();
        } catch (CharacterCodingException e) {
            throw invalid("a string is not valid UTF-8");
        }
        if (text.indexOf('\0') >= 0) {
            throw invalid("a string has a NUL in it");
        }
        return text;
    }

    static ExportRefusedException invalid(String message) {
        return new ExportRefusedException(Nbd.REP_ERR_INVALID, message);
    }
}
