package io.fdbnbd.nbd;

import java.io.IOException;

/** The client broke the protocol so that the connection cannot go on; the peer's fault, not ours. */
public final class ProtocolException extends IOException {
    private static final long serialVersionUID = 1L;

    public ProtocolException(String message) {
        super(message);
    }
}
