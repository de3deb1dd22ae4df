package io.fdbnbd.server;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.fdbnbd.nbd.Framing;
import io.fdbnbd.nbd.Nbd;
import io.fdbnbd.nbd.Request;
import io.fdbnbd.server.ReplyChecker.Answer;
import io.fdbnbd.volume.AckMode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;

/**
 * A server, and a client that has negotiated a framing and sends one request at a time. {@link ReplyChecker} holds each
 * reply against the rules.
 */
@Timeout(60)
abstract class FramedRequests {
    private final Framing framing;
    ServerFixture fixture;
    NbdTestClient client;
    private ReplyChecker replies;
    private long cookie;

    FramedRequests(Framing framing) {
        this.framing = framing;
    }

    @BeforeEach
    final void start() throws Exception {
        fixture = new ServerFixture();
        use(fixture.attach(framing));
    }

    /** Goes on with another server. */
    final void serveInstead(UnaryOperator<ServerOptions> change) throws Exception {
        fixture.close();
        fixture = new ServerFixture(AckMode.BUFFERED, change);
        use(fixture.attach(framing));
    }

    /** Goes on with another client, which has attached the disk. */
    final void use(NbdTestClient other) {
        client = other;
        replies = new ReplyChecker(client.in(), framing);
    }

    @AfterEach
    final void close() throws Exception {
        fixture.close();
    }

    final Answer command(int flags, int type, long offset, long length, byte... payload) throws IOException {
        client.send(NbdTestClient.header(framing, expected(flags, type, offset, length)));
        client.send(ByteBuffer.wrap(payload).position(payload.length));
        return answer();
    }

    final void write(long offset, byte[] data) throws IOException {
        assertEquals(0, command(0, Nbd.CMD_WRITE, offset, data.length, data).error());
    }

    /** A request that the test is about to send by itself. */
    final Request expected(int flags, int type, long offset, long length) {
        Request request = new Request(flags, type, cookie++, offset, length);
        replies.expect(request);
        return request;
    }

    final Answer answer() throws IOException {
        return replies.next();
    }
}
