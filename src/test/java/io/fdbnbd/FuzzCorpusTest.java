package io.fdbnbd;

import static org.junit.jupiter.api.Assertions.assertFalse;

import io.fdbnbd.nbd.HandshakeFuzz;
import io.fdbnbd.nbd.RequestFuzz;
import io.fdbnbd.server.ConnectionFuzz;
import io.fdbnbd.server.TlsFuzz;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.function.ThrowingConsumer;

/** Every input of the corpus that {@code tools/fuzz} starts from, and adds what it finds to, through its target. */
@Timeout(120)
class FuzzCorpusTest {
    private static final Path CORPUS = Path.of("src/test/resources/fuzz");

    @Test
    void everyHandshakeIsSurvived() throws Exception {
        run("handshake", HandshakeFuzz::fuzzerTestOneInput);
    }

    @Test
    void everyRequestIsJudged() throws Exception {
        run("request", RequestFuzz::fuzzerTestOneInput);
    }

    @Test
    void everyConnectionIsSurvived() throws Exception {
        ConnectionFuzz.fuzzerInitialize();
        try {
            run("connection", ConnectionFuzz::fuzzerTestOneInput);
        } finally {
            ConnectionFuzz.fuzzerTearDown();
        }
    }

    @Test
    void everythingBehindStartTlsIsSurvived() throws Exception {
        TlsFuzz.fuzzerInitialize();
        try {
            run("tls", TlsFuzz::fuzzerTestOneInput);
        } finally {
            TlsFuzz.fuzzerTearDown();
        }
    }

    private static void run(String target, ThrowingConsumer<byte[]> fuzz) throws IOException {
        List<Path> inputs;
        try (Stream<Path> files = Files.list(CORPUS.resolve(target))) {
            inputs = files.sorted().toList();
        }
        assertFalse(inputs.isEmpty(), "there is no corpus");
        for (Path input : inputs) {
            byte[] bytes = Files.readAllBytes(input);
            try {
                fuzz.accept(bytes);
            } catch (Throwable e) {
                throw new AssertionError(
                        input + " fails: replay it with tools/fuzz --replay " + input + " " + target, e);
            }
        }
    }
}
