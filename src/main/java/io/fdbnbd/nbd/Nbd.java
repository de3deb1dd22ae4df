package io.fdbnbd.nbd;

/**
 * The numbers of the NBD protocol and our own limits on it; no other class spells one out. Names follow the
 * specification without its {@code NBD_} prefix.
 */
public final class Nbd {

    // Handshake
    public static final long INIT_MAGIC = 0x4e42444d41474943L; // "NBDMAGIC"
    public static final long OPTION_MAGIC = 0x49484156454f5054L; // "IHAVEOPT"
    public static final long OPTION_REPLY_MAGIC = 0x0003e889045565a9L;
    public static final int FLAG_FIXED_NEWSTYLE = 1;
    public static final int FLAG_NO_ZEROES = 1 << 1;
    public static final int CLIENT_FLAGS_BYTES = Integer.BYTES;
    public static final int OPTION_HEADER_BYTES = 8 + 4 + 4;
    public static final int OPTION_REPLY_HEADER_BYTES = 8 + 4 + 4 + 4;
    public static final int EXPORT_NAME_PADDING_BYTES = 124;

    // Options
    public static final int OPT_EXPORT_NAME = 1;
    public static final int OPT_ABORT = 2;
    public static final int OPT_LIST = 3;
    public static final int OPT_STARTTLS = 5;
    public static final int OPT_INFO = 6;
    public static final int OPT_GO = 7;
    public static final int OPT_STRUCTURED_REPLY = 8;
    public static final int OPT_LIST_META_CONTEXT = 9;
    public static final int OPT_SET_META_CONTEXT = 10;
    public static final int OPT_EXTENDED_HEADERS = 11;

    // Option replies
    public static final int REP_ACK = 1;
    public static final int REP_SERVER = 2;
    public static final int REP_INFO = 3;
    public static final int REP_META_CONTEXT = 4;
    private static final int REP_ERROR = 1 << 31;
    public static final int REP_ERR_UNSUP = REP_ERROR + 1;
    public static final int REP_ERR_POLICY = REP_ERROR + 2;
    public static final int REP_ERR_INVALID = REP_ERROR + 3;
    public static final int REP_ERR_TLS_REQD = REP_ERROR + 5;
    public static final int REP_ERR_UNKNOWN = REP_ERROR + 6;
    public static final int REP_ERR_SHUTDOWN = REP_ERROR + 7;
    public static final int REP_ERR_TOO_BIG = REP_ERROR + 9;
    public static final int REP_ERR_EXT_HEADER_REQD = REP_ERROR + 10;

    // What INFO and GO tell
    public static final int INFO_EXPORT = 0;
    public static final int INFO_NAME = 1;
    public static final int INFO_DESCRIPTION = 2;
    public static final int INFO_BLOCK_SIZE = 3;

    // Transmission flags
    public static final int TRANSMIT_HAS_FLAGS = 1;
    public static final int TRANSMIT_READ_ONLY = 1 << 1;
    public static final int TRANSMIT_SEND_FLUSH = 1 << 2;
    public static final int TRANSMIT_SEND_FUA = 1 << 3;
    public static final int TRANSMIT_SEND_TRIM = 1 << 5;
    public static final int TRANSMIT_SEND_WRITE_ZEROES = 1 << 6;
    public static final int TRANSMIT_SEND_DF = 1 << 7;
    public static final int TRANSMIT_CAN_MULTI_CONN = 1 << 8;
    public static final int TRANSMIT_SEND_CACHE = 1 << 10;
    public static final int TRANSMIT_SEND_FAST_ZERO = 1 << 11;

    // Requests and replies
    public static final int REQUEST_MAGIC = 0x25609513;
    public static final int REQUEST_BYTES = 4 + 2 + 2 + 8 + 8 + 4;
    public static final int EXTENDED_REQUEST_MAGIC = 0x21e41c71;
    public static final int EXTENDED_REQUEST_BYTES = 4 + 2 + 2 + 8 + 8 + 8;
    public static final int SIMPLE_REPLY_MAGIC = 0x67446698;
    public static final int SIMPLE_REPLY_BYTES = 4 + 4 + 8;

    // Chunks of structured replies
    public static final int CHUNK_MAGIC = 0x668e33ef;
    public static final int CHUNK_HEADER_BYTES = 4 + 2 + 2 + 8 + 4;
    public static final int EXTENDED_CHUNK_MAGIC = 0x6e8a278c;
    public static final int EXTENDED_CHUNK_HEADER_BYTES = 4 + 2 + 2 + 8 + 8 + 8;
    public static final int CHUNK_FLAG_DONE = 1;
    public static final int CHUNK_NONE = 0;
    public static final int CHUNK_OFFSET_DATA = 1;
    public static final int CHUNK_OFFSET_HOLE = 2;
    public static final int CHUNK_BLOCK_STATUS = 5;
    public static final int CHUNK_BLOCK_STATUS_EXT = 6;
    public static final int CHUNK_ERROR = 0x8001;
    public static final int CHUNK_ERROR_OFFSET = 0x8002;

    public static final int CMD_READ = 0;
    public static final int CMD_WRITE = 1;
    public static final int CMD_DISC = 2;
    public static final int CMD_FLUSH = 3;
    public static final int CMD_TRIM = 4;
    public static final int CMD_CACHE = 5;
    public static final int CMD_WRITE_ZEROES = 6;
    public static final int CMD_BLOCK_STATUS = 7;

    public static final int CMD_FLAG_FUA = 1;
    public static final int CMD_FLAG_NO_HOLE = 1 << 1;
    public static final int CMD_FLAG_DF = 1 << 2;
    public static final int CMD_FLAG_REQ_ONE = 1 << 3;
    public static final int CMD_FLAG_FAST_ZERO = 1 << 4;
    public static final int CMD_FLAG_PAYLOAD_LEN = 1 << 5;

    // The metadata context base:allocation
    public static final String ALLOCATION_CONTEXT = "base:allocation";
    public static final int STATE_HOLE = 1;
    public static final int STATE_ZERO = 1 << 1;

    // The only error numbers that may appear in a reply
    public static final int EPERM = 1;
    public static final int EIO = 5;
    public static final int ENOMEM = 12;
    public static final int EINVAL = 22;
    public static final int ENOSPC = 28;
    public static final int EOVERFLOW = 75;
    public static final int ENOTSUP = 95;
    public static final int ESHUTDOWN = 108;

    // Limits of the specification
    public static final int STRING_BYTES_MAX = 4096;
    public static final int BLOCK_BYTES_PREFERRED_MIN = 512;

    // Our limits
    /** Names our only metadata context in replies. */
    public static final int ALLOCATION_ID = 1;

    /** What INFO_BLOCK_SIZE promises, and what a client that did not ask may assume. */
    public static final int PAYLOAD_ADVERTISED_BYTES_MAX = 32 << 20;

    /** What is really taken: clients are known to send more than 32 MiB to servers that do not say. */
    public static final int PAYLOAD_BYTES_MAX = 64 << 20;

    /** An option longer than this is consumed unread and refused; the longest useful GO is far shorter. */
    public static final int OPTION_BYTES_MAX = 60 << 10;

    /** An option longer than this ends the connection instead of being consumed. */
    public static final int OPTION_DISCARD_BYTES_MAX = 16 << 20;

    /** An error's message in a chunk: there is room for one wherever there is room for a reply. */
    public static final int ERROR_MESSAGE_BYTES_MAX = 100;

    /** A client that has still not chosen an export after this many options is not going to. */
    public static final int OPTIONS_MAX = 1024;

    private Nbd() {}

    /** What people call a command. */
    public static String commandName(int type) {
        return switch (type) {
            case CMD_READ -> "READ";
            case CMD_WRITE -> "WRITE";
            case CMD_DISC -> "DISC";
            case CMD_FLUSH -> "FLUSH";
            case CMD_TRIM -> "TRIM";
            case CMD_CACHE -> "CACHE";
            case CMD_WRITE_ZEROES -> "WRITE_ZEROES";
            case CMD_BLOCK_STATUS -> "BLOCK_STATUS";
            default -> "command " + type;
        };
    }

    /** What people call an error number. */
    public static String errorName(int error) {
        return switch (error) {
            case EPERM -> "EPERM";
            case EIO -> "EIO";
            case ENOMEM -> "ENOMEM";
            case EINVAL -> "EINVAL";
            case ENOSPC -> "ENOSPC";
            case EOVERFLOW -> "EOVERFLOW";
            case ENOTSUP -> "ENOTSUP";
            case ESHUTDOWN -> "ESHUTDOWN";
            default -> "error " + error;
        };
    }

    /** What a number in a reply means here, at most {@link #ERROR_MESSAGE_BYTES_MAX} of ASCII. */
    static String errorMessage(int error) {
        return switch (error) {
            case EPERM -> "the export is read-only";
            case EIO -> "the volume's store failed, see the server's log";
            case EINVAL -> "unknown command or flag, or a range that is not inside of the export";
            case ENOSPC -> "the range ends behind the export, or the volume's store is full";
            case EOVERFLOW -> "the length is more than fits into one reply";
            case ESHUTDOWN -> "the server is stopping";
            default -> "error " + error;
        };
    }
}
