package io.fdbnbd.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fdbnbd.client.NbdUri;
import io.fdbnbd.server.ListenAddress;
import java.io.IOException;
import java.io.Writer;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AttachingTest {
    private static final ListenAddress TCP = ListenAddress.parse("127.0.0.1:10809");
    private static final ListenAddress UNIX = ListenAddress.parse("unix:/run/a b.sock");

    @Test
    void aPlainNameStaysPlain() {
        assertEquals("nbd://127.0.0.1:10809/disk", Attaching.uri(TCP, "disk", false));
        assertEquals("nbd-client -N disk 127.0.0.1 10809 /dev/nbd0", Attaching.nbdClient(TCP, "disk", false));
        assertEquals("-drive file=nbd://127.0.0.1:10809/disk,format=raw,if=virtio", Attaching.qemu(TCP, "disk", false));
        assertEquals("nbd+unix:///disk?socket=/run/a%20b.sock", Attaching.uri(UNIX, "disk", false));
        assertEquals("nbd-client -N disk -unix '/run/a b.sock' /dev/nbd0", Attaching.nbdClient(UNIX, "disk", false));
    }

    @Test
    void whereTlsIsRequiredEveryClientIsToldSo() {
        assertEquals("nbds://127.0.0.1:10809/disk", Attaching.uri(TCP, "disk", true));
        assertEquals("nbds+unix:///disk?socket=/run/a%20b.sock", Attaching.uri(UNIX, "disk", true));
        assertEquals(
                "nbd-client -N disk 127.0.0.1 10809 /dev/nbd0 -cacertfile CA.pem",
                Attaching.nbdClient(TCP, "disk", true));
        String qemu = Attaching.qemu(TCP, "a,b", true);
        assertTrue(qemu.contains("server.host=127.0.0.1,server.port=10809,export=a,,b,tls-creds=tls"), qemu);
        assertTrue(Attaching.qemu(UNIX, "disk", true).contains("server.path=/run/a b.sock,"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"a b", "a'b", "a\"b", "$(x)", "a,b", "a?b#c", "100%", "диск", "\ud83d\ude00", "~", "-x", "&"})
    void anyNameSurvivesUriAndShell(String name) throws Exception {
        URI uri = URI.create(Attaching.uri(TCP, name, false));
        assertEquals("/" + name, uri.getPath());
        assertEquals(name, NbdUri.parse(uri.toString()).export());
        ListenAddress named = ListenAddress.parse("unix:/run/" + name);
        assertEquals(
                named.resolve(), NbdUri.parse(Attaching.uri(named, name, false)).resolve());
        assertFalse(Attaching.uri(TCP, name, false).contains(","), "QEMU splits at commas");
        // Through standard input, which is UTF-8 whatever the locale; arguments are not.
        Process shell =
                new ProcessBuilder("/bin/sh", "-s").redirectErrorStream(true).start();
        try (Writer script = shell.outputWriter(StandardCharsets.UTF_8)) {
            script.write("printf %s " + Attaching.quoted(name) + "\n");
        }
        assertEquals(name, new String(shell.getInputStream().readAllBytes(), StandardCharsets.UTF_8));
        assertEquals(0, shell.waitFor());
    }

    @Test
    void nobodyIsSentToTheAddressThatMeansAll() {
        assertEquals("nbd://127.0.0.1:7/a", Attaching.uri(ListenAddress.parse("0.0.0.0:7"), "a", false));
        assertEquals("nbd://[::1]:7/a", Attaching.uri(ListenAddress.parse("[::]:7"), "a", false));
        assertEquals("nbd://[::1]:7/a", Attaching.uri(ListenAddress.parse("[::1]:7"), "a", false));
    }

    @Test
    void onlyLoopbackAndUnixSocketsAreLocal() throws IOException {
        assertTrue(Attaching.isLocal(TCP));
        assertTrue(Attaching.isLocal(UNIX));
        assertTrue(Attaching.isLocal(ListenAddress.parse("localhost")));
        assertFalse(Attaching.isLocal(ListenAddress.parse("0.0.0.0")));
        assertFalse(Attaching.isLocal(ListenAddress.parse("192.0.2.1")));
    }
}
