package io.fdbnbd.util;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class CloserTest {
    private final List<String> closed = new ArrayList<>();

    private AutoCloseable part(String name) {
        return () -> closed.add(name);
    }

    private AutoCloseable failing(String name, Exception failure) {
        return () -> {
            closed.add(name);
            throw failure;
        };
    }

    @Test
    void closesInReverseAndOnlyOnce() throws IOException {
        Closer closer = new Closer();
        closer.register(part("store"));
        closer.register(part("volume"));
        closer.register(part("server"));
        closer.close();
        closer.close();
        assertEquals(List.of("server", "volume", "store"), closed);
    }

    @Test
    void theFirstFailureIsThrownAndTheRestStillClosed() {
        IllegalStateException first = new IllegalStateException("first");
        IOException second = new IOException("second");
        Closer closer = new Closer();
        closer.register(part("store"));
        closer.register(failing("volume", second));
        closer.register(failing("server", first));
        assertSame(first, assertThrows(IllegalStateException.class, closer::close));
        assertArrayEquals(new Throwable[] {second}, first.getSuppressed());
        assertEquals(List.of("server", "volume", "store"), closed);
    }

    @Test
    void theSameFailureTwiceIsNotSuppressedInItself() {
        IOException failure = new IOException("disk is gone");
        Closer closer = new Closer();
        closer.register(failing("volume", failure));
        closer.register(failing("server", failure));
        assertSame(failure, assertThrows(IOException.class, closer::close));
        assertEquals(0, failure.getSuppressed().length);
    }

    @Test
    void anInterruptStaysSet() {
        Closer closer = new Closer();
        closer.register(failing("server", new InterruptedException("stop")));
        IOException thrown = assertThrows(IOException.class, closer::close);
        assertTrue(Thread.interrupted());
        assertTrue(thrown.getCause() instanceof InterruptedException);
    }

    @Test
    void whoComesLateIsClosedAtOnce() throws IOException {
        Closer closer = new Closer();
        closer.close();
        IOException failure = new IOException("late");
        IllegalStateException thrown =
                assertThrows(IllegalStateException.class, () -> closer.register(failing("connection", failure)));
        assertEquals(List.of("connection"), closed);
        assertArrayEquals(new Throwable[] {failure}, thrown.getSuppressed());
    }

    @Test
    void whatIsRegisteredDuringTheCloseIsClosedToo() throws IOException {
        Closer closer = new Closer();
        closer.register(part("store"));
        closer.register(() -> assertThrows(IllegalStateException.class, () -> closer.register(part("late"))));
        closer.close();
        assertEquals(List.of("late", "store"), closed);
    }
}
