package io.fdbnbd.nbd;

import java.nio.ByteBuffer;

/** Encodes what the server says in a handshake. Every method needs the room to be there and advances {@code out}. */
final class Replies {
    private Replies() {}

    /** The server's first words. */
    static void putGreeting(ByteBuffer out) {
        out.putLong(Nbd.INIT_MAGIC).putLong(Nbd.OPTION_MAGIC).putShort((short)
                (Nbd.FLAG_FIXED_NEWSTYLE | Nbd.FLAG_NO_ZEROES));
    }

    /** The header of a reply to {@code option}; {@code dataBytes} bytes of data follow it. */
    static void putOptionReply(ByteBuffer out, int option, int type, int dataBytes) {
        out.putLong(Nbd.OPTION_REPLY_MAGIC).putInt(option).putInt(type).putInt(dataBytes);
    }

    /** What EXPORT_NAME is answered with; it has no header. */
    static void putExportName(ByteBuffer out, Export export, boolean zeroes) {
        out.putLong(export.sizeBytes()).putShort((short) export.flags());
        if (zeroes) {
            out.put(new byte[Nbd.EXPORT_NAME_PADDING_BYTES]);
        }
    }

    static void putInfoExport(ByteBuffer out, int option, Export export) {
        putOptionReply(out, option, Nbd.REP_INFO, 2 + 8 + 2);
        out.putShort((short) Nbd.INFO_EXPORT).putLong(export.sizeBytes()).putShort((short) export.flags());
    }

    static void putInfoName(ByteBuffer out, int option, byte[] name) {
        putOptionReply(out, option, Nbd.REP_INFO, 2 + name.length);
        out.putShort((short) Nbd.INFO_NAME).put(name);
    }

    static void putInfoBlockSize(ByteBuffer out, int option, Export export) {
        putOptionReply(out, option, Nbd.REP_INFO, 2 + 4 + 4 + 4);
        out.putShort((short) Nbd.INFO_BLOCK_SIZE)
                .putInt(1)
                .putInt(export.preferredBytes())
                .putInt(Nbd.PAYLOAD_ADVERTISED_BYTES_MAX);
    }

    static void putMetaContext(ByteBuffer out, int option, int id, byte[] name) {
        putOptionReply(out, option, Nbd.REP_META_CONTEXT, Integer.BYTES + name.length);
        out.putInt(id).put(name);
    }

    static void putServer(ByteBuffer out, byte[] name) {
        putOptionReply(out, Nbd.OPT_LIST, Nbd.REP_SERVER, Integer.BYTES + name.length);
        out.putInt(name.length).put(name);
    }
}
