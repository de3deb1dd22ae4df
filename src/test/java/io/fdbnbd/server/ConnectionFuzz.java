package io.fdbnbd.server;

import java.io.IOException;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A fuzz target: any bytes as all that a client sends, to a {@link FuzzedServer}. The first byte of an input is the size
 * of the pieces, 0 for all at once; the others are the client's. One thread.
 */
public final class ConnectionFuzz {
    private static @Nullable FuzzedServer server;

    private ConnectionFuzz() {}

    /** Jazzer looks for this name. */
    public static void fuzzerInitialize() throws Exception {
        server = new FuzzedServer(options -> options);
    }

    /** Jazzer looks for this name. */
    public static void fuzzerTearDown() throws IOException {
        Objects.requireNonNull(server).close();
        server = null;
    }

    /** Jazzer looks for this name. */
    public static void fuzzerTestOneInput(byte[] input) throws Exception {
        if (input.length == 0) {
            return;
        }
        Objects.requireNonNull(server).survives(input.length, address -> {
            try (NbdTestClient client = NbdTestClient.connect(address)) {
                FuzzedServer.sendAndDrain(client, client::send, input, 1, Byte.toUnsignedInt(input[0]));
            }
        });
    }
}
