package io.fdbnbd.nbd;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * The part of a {@link Handshake} that is about metadata contexts, of which there is one: {@link
 * Nbd#ALLOCATION_CONTEXT}.
 */
final class MetaContexts {
    private static final String NAMESPACE = "base:";
    private static final byte[] NAME = Nbd.ALLOCATION_CONTEXT.getBytes(StandardCharsets.US_ASCII);

    private final Exports exports;

    /** The name of the export that the context was selected for; null if it was not. */
    private @Nullable String selectedFor;

    MetaContexts(Exports exports) {
        this.exports = exports;
    }

    /** Selects nothing: what every SET_META_CONTEXT begins with, even one that fails. */
    void forget() {
        selectedFor = null;
    }

    /** A selection is good for the export that it was made for. */
    boolean areSelectedFor(Export export) {
        return export.name().equals(selectedFor);
    }

    /** Answers LIST_META_CONTEXT and SET_META_CONTEXT, but for the acknowledgement. */
    void answer(int option, ByteBuffer data, ByteBuffer out) throws ExportRefusedException {
        String name = Handshake.takeString(data);
        long queries = Integer.toUnsignedLong(Handshake.takeInt(data));
        boolean sets = option == Nbd.OPT_SET_META_CONTEXT;
        boolean matches = queries == 0 && !sets;
        for (long i = 0; i < queries; i++) {
            String query = Handshake.takeString(data);
            matches |= query.equals(Nbd.ALLOCATION_CONTEXT) || (!sets && query.equals(NAMESPACE));
        }
        if (data.hasRemaining()) {
            throw Handshake.invalid("the option is longer than its queries");
        }
        Export export = exports.find(name);
        if (matches) {
            Replies.putMetaContext(out, option, sets ? Nbd.ALLOCATION_ID : 0, NAME);
            if (sets) {
                selectedFor = export.name();
            }
        }
    }
}
