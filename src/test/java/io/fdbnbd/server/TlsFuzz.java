package io.fdbnbd.server;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.fdbnbd.nbd.Nbd;
import io.fdbnbd.tls.TestAuthority;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/**
 * A fuzz target: any bytes behind STARTTLS, to a {@link FuzzedServer}. The two low bits of an input's first byte say what
 * they stand for, the rest of it is the size of the pieces, 0 for all at once:
 *
 * <ul>
 *   <li>0, the first bytes that the server's TLS gets: a ClientHello, or anything else;
 *   <li>1, records in the clear behind a TLS handshake that succeeded;
 *   <li>2 and 3, what a client says through TLS 1.3 or 1.2.
 * </ul>
 *
 * One thread.
 */
public final class TlsFuzz {
    private static final int KIND_MASK = 3;
    private static final int INSTEAD_OF_TLS = 0;
    private static final int BETWEEN_RECORDS = 1;
    private static final int THROUGH_TLS_13 = 2;

    private static @Nullable FuzzedServer server;
    private static @Nullable SSLContext trusting;
    private static @Nullable Path folder;

    private TlsFuzz() {}

    /** Jazzer looks for this name. */
    public static void fuzzerInitialize() throws Exception {
        folder = Files.createTempDirectory("fuzz");
        TestAuthority authority = TestAuthority.create(folder, "authority");
        trusting = authority.trusting();
        Access.Tls tls = new Access.Tls(false, authority.server("server").context());
        server = new FuzzedServer(options -> options.withAccess(Access.OPEN.withTls(tls)));
    }

    /** Jazzer looks for this name. */
    public static void fuzzerTearDown() throws IOException {
        Objects.requireNonNull(server).close();
        server = null;
        List<Path> files;
        try (Stream<Path> all = Files.walk(Objects.requireNonNull(folder))) {
            files = all.sorted(Comparator.reverseOrder()).toList();
        }
        for (Path file : files) {
            Files.delete(file);
        }
    }

    /** Jazzer looks for this name. */
    public static void fuzzerTestOneInput(byte[] input) throws Exception {
        if (input.length == 0) {
            return;
        }
        int kind = input[0] & KIND_MASK;
        int pieceBytes = Byte.toUnsignedInt(input[0]) >> 2;
        Objects.requireNonNull(server).survives(input.length, address -> {
            try (NbdTestClient client = NbdTestClient.connect(address)) {
                client.greet();
                NbdTestClient.Sending way = client::sendInTheClear;
                if (kind == INSTEAD_OF_TLS) {
                    client.sendOption(Nbd.OPT_STARTTLS, new byte[0]);
                    assertEquals(Nbd.REP_ACK, client.optionReply(Nbd.OPT_STARTTLS));
                } else {
                    client.startTls(Objects.requireNonNull(trusting), kind <= THROUGH_TLS_13 ? "TLSv1.3" : "TLSv1.2");
                    way = kind == BETWEEN_RECORDS ? way : client::send;
                }
                FuzzedServer.sendAndDrain(client, way, input, 1, pieceBytes);
            }
        });
    }
}
