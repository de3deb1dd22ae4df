package io.fdbnbd.bench;

import java.io.IOException;

/** The export does not allow what is planned; the message says why, for the user. */
public final class UnsuitableExportException extends IOException {

    private static final long serialVersionUID = 1L;

    UnsuitableExportException(String message) {
        super(message);
    }
}
