package io.fdbnbd.server;

import io.fdbnbd.nbd.Nbd;
import io.fdbnbd.nbd.Request;

/** What a connection was asked for, for the line in the log when it ends. Belongs to the connection's thread. */
final class ConnectionStats {
    private long requests;
    private long readBytes;
    private long writtenBytes;
    private long refused;

    void count(Request request, boolean legal) {
        requests++;
        if (!legal) {
            refused++;
        } else if (request.type() == Nbd.CMD_READ) {
            readBytes += request.length();
        } else if (request.type() == Nbd.CMD_WRITE) {
            writtenBytes += request.length();
        }
    }

    long requests() {
        return requests;
    }

    long readBytes() {
        return readBytes;
    }

    long writtenBytes() {
        return writtenBytes;
    }

    long refused() {
        return refused;
    }
}
