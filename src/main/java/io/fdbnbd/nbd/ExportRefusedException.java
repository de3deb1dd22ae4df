package io.fdbnbd.nbd;

import static io.fdbnbd.util.Checks.checkArgument;

/** Why a client cannot have what it asked for; the message is sent to it where the protocol has room for one. */
public final class ExportRefusedException extends Exception {
    private static final long serialVersionUID = 1L;

    private final int reply;

    /** @param reply one of {@code Nbd.REP_ERR_*} */
    public ExportRefusedException(int reply, String message) {
        super(message);
        checkArgument(reply < 0, "a refusal must be an error reply");
        this.reply = reply;
    }

    public int reply() {
        return reply;
    }

    @Override
    public String getMessage() {
        return String.valueOf(super.getMessage());
    }
}
