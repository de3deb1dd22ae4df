package io.fdbnbd.tls;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fdbnbd.tls.TestAuthority.Issued;
import java.io.IOException;
import java.io.StringWriter;
import java.math.BigInteger;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.FutureTask;
import javax.net.ssl.SSLSocket;
import org.bouncycastle.asn1.ASN1Encodable;
import org.bouncycastle.asn1.pkcs.EncryptedPrivateKeyInfo;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.asn1.pkcs.PrivateKeyInfo;
import org.bouncycastle.asn1.sec.ECPrivateKey;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;
import org.bouncycastle.openssl.jcajce.JcaPEMWriter;
import org.bouncycastle.openssl.jcajce.JcaPKCS8Generator;
import org.bouncycastle.util.io.pem.PemObject;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Certificates and keys as people put them there: right ones, wrong ones, and new ones while the server runs. */
@Timeout(60)
class TlsContextTest extends AuthorityFixture {
    @ParameterizedTest
    @ValueSource(strings = {"RSA", "EC", "Ed25519"})
    void keysOfEveryKindInUseWork(String algorithm) throws Exception {
        Issued server = authority.issue("server", "CN=server", Instant.now(), algorithm, "127.0.0.1");
        assertEquals(server.x509().getSerialNumber(), served(server.context()));
    }

    /** What OpenSSL wrote for decades, and some tools still do. */
    @ParameterizedTest
    @ValueSource(strings = {"RSA", "EC"})
    void keysInTheirOldFormsWork(String algorithm) throws Exception {
        Issued server = authority.issue("server", "CN=server", Instant.now(), algorithm, "127.0.0.1");
        PrivateKeyInfo info = PrivateKeyInfo.getInstance(server.secret().getEncoded());
        ASN1Encodable old = server.secret() instanceof java.security.interfaces.ECPrivateKey secret
                ? new ECPrivateKey(
                        256, secret.getS(), info.getPrivateKeyAlgorithm().getParameters())
                : info.parsePrivateKey();
        TestAuthority.writePem(
                server.key(),
                new PemObject(algorithm + " PRIVATE KEY", old.toASN1Primitive().getEncoded()));
        assertEquals(server.x509().getSerialNumber(), served(server.context()));
    }

    @Test
    void keyAndCertificateMayShareAFile() throws Exception {
        Issued server = authority.server("server");
        Files.writeString(server.certificate(), Files.readString(server.key()), StandardOpenOption.APPEND);
        Files.copy(server.certificate(), server.key(), java.nio.file.StandardCopyOption.REPLACE_EXISTING);
        assertEquals(server.x509().getSerialNumber(), served(server.context()));
    }

    @Test
    void aNewCertificateIsUsedWithoutARestart() throws Exception {
        Issued old = authority.server("server");
        TlsContext context = old.context();
        assertEquals(old.x509().getSerialNumber(), served(context));
        Issued fresh = authority.server("server");
        assertEquals(fresh.x509().getSerialNumber(), served(context));
    }

    /** Or crowds of clients that want keys and signatures would have all processors. */
    @Test
    void handshakesWaitForOneAnother() throws Exception {
        Issued server = authority.server("server");
        TlsContext context = server.context();
        int permits = context.tasks().drainPermits();
        assertTrue(permits >= 1);
        FutureTask<BigInteger> handshake = new FutureTask<>(() -> served(context));
        Thread.startVirtualThread(handshake);
        while (!context.tasks().hasQueuedThreads()) {
            assertFalse(handshake.isDone(), "it has asked nobody");
            Thread.onSpinWait();
        }
        context.tasks().release(permits);
        assertEquals(server.x509().getSerialNumber(), handshake.get());
        assertEquals(permits, context.tasks().availablePermits());
    }

    @Test
    void filesThatDoNotWorkLeaveTheOldCertificateInPlace() throws Exception {
        Issued old = authority.server("server");
        TlsContext context = old.context();
        String key = Files.readString(old.key());
        Files.writeString(old.key(), "nonsense");
        assertEquals(old.x509().getSerialNumber(), served(context));
        Files.delete(old.key());
        assertEquals(old.x509().getSerialNumber(), served(context));
        Issued fresh = authority.server("server");
        String freshKey = Files.readString(fresh.key());
        Files.writeString(fresh.key(), key);
        assertEquals(old.x509().getSerialNumber(), served(context), "one file is there already, the other is not");
        Files.writeString(fresh.key(), freshKey);
        assertEquals(fresh.x509().getSerialNumber(), served(context));
    }

    @Test
    void theKeyOfAnotherCertificateIsRefused() throws Exception {
        Issued one = authority.server("one");
        Issued other = authority.server("other");
        Issued rsa = authority.issue("rsa", "CN=server", Instant.now(), "RSA");
        assertRefused(new TlsFiles(one.certificate(), other.key(), null), "does not belong to the certificate in");
        assertRefused(new TlsFiles(one.certificate(), rsa.key(), null), "does not belong to the certificate in");
        assertRefused(new TlsFiles(rsa.certificate(), one.key(), null), "does not belong to the certificate in");
    }

    @Test
    void aCertificateOutOfItsTimeIsRefused() throws Exception {
        Issued server = authority.server("server");
        TlsFiles files = new TlsFiles(server.certificate(), server.key(), null);
        Instant now = Instant.now();
        assertMessage("expired at", () -> TlsContext.open(files, InstantSource.fixed(now.plus(Duration.ofDays(366)))));
        assertMessage(
                "is not valid before",
                () -> TlsContext.open(files, InstantSource.fixed(now.minus(Duration.ofDays(2)))));
    }

    @Test
    void filesThatCannotBeUsedAreNamed() throws Exception {
        Issued server = authority.server("server");
        Path missing = folder.resolve("missing.pem");
        Path nonsense = Files.writeString(folder.resolve("nonsense.pem"), "nonsense\n");
        Path empty = Files.writeString(folder.resolve("empty.pem"), "");
        assertRefused(new TlsFiles(missing, server.key(), null), "certificate file " + missing + " does not exist");
        assertRefused(new TlsFiles(folder, server.key(), null), "is a directory");
        assertRefused(new TlsFiles(nonsense, server.key(), null), "has no certificate");
        assertRefused(new TlsFiles(empty, server.key(), null), "has no certificate");
        assertRefused(new TlsFiles(server.key(), server.key(), null), "has no certificate");
        assertRefused(new TlsFiles(server.certificate(), missing, null), "key file " + missing + " does not exist");
        assertRefused(new TlsFiles(server.certificate(), nonsense, null), "has no private key");
        assertRefused(new TlsFiles(server.certificate(), server.certificate(), null), "has no private key");
        assertRefused(new TlsFiles(server.certificate(), server.key(), missing), "authority file " + missing);
        assertRefused(new TlsFiles(server.certificate(), server.key(), nonsense), "has no certificate");
    }

    @Test
    void anEncryptedKeyIsRefusedWithTheWayOut() throws Exception {
        Issued server = authority.server("server");
        EncryptedPrivateKeyInfo encrypted = new EncryptedPrivateKeyInfo(
                new AlgorithmIdentifier(PKCSObjectIdentifiers.id_PBES2),
                server.secret().getEncoded());
        TestAuthority.writePem(server.key(), new PemObject("ENCRYPTED PRIVATE KEY", encrypted.getEncoded()));
        assertRefused(new TlsFiles(server.certificate(), server.key(), null), "openssl pkey");
    }

    /** Neither in the message nor in what is behind it: all of it may end up in a log. */
    @Test
    void aDamagedKeyIsNotQuoted() throws Exception {
        Issued server = authority.server("server");
        StringWriter text = new StringWriter();
        try (JcaPEMWriter pem = new JcaPEMWriter(text)) {
            pem.writeObject(new JcaPKCS8Generator(server.secret(), null));
        }
        String[] lines = text.toString().lines().toArray(String[]::new);
        for (String damaged : List.of(
                text.toString().replace(lines[1], lines[1].substring(1)),
                text.toString().replace("-----END", "----"),
                text.toString().replace("PRIVATE", "PRIVATISSIMUM"),
                lines[0] + "\n" + lines[1] + "!\n" + lines[lines.length - 1] + "\n")) {
            Files.writeString(server.key(), damaged);
            Throwable failure = assertThrows(IOException.class, server::context);
            while (failure != null) {
                String said = String.valueOf(failure);
                for (String line : lines) {
                    assertFalse(
                            line.length() > 16 && said.contains(line.substring(8, 16)) && !line.contains("-"), said);
                }
                failure = failure.getCause();
            }
        }
    }

    @Test
    void namesAreTheSubjectAndTheAlternatives() throws Exception {
        X509Certificate certificate = authority
                .client("c", "O=Example,CN=a b", "host.example.org", "a@example.org", "10.0.0.1", "nbd://x/y")
                .x509();
        assertEquals(
                List.of("a b", "CN=a b,O=Example", "host.example.org", "a@example.org", "10.0.0.1", "nbd://x/y"),
                CertificateNames.of(certificate));
    }

    private interface Opening {
        TlsContext open() throws IOException;
    }

    private static void assertRefused(TlsFiles files, String message) {
        assertMessage(message, () -> TlsContext.open(files, InstantSource.system()));
    }

    private static void assertMessage(String message, Opening opening) {
        IOException refusal = assertThrows(IOException.class, opening::open);
        assertTrue(String.valueOf(refusal.getMessage()).contains(message), refusal.toString());
        assertFalse(String.valueOf(refusal.getMessage()).contains("\n"), "one sentence");
    }

    /** Returns the serial number of the certificate that a client is shown. */
    private BigInteger served(TlsContext context) throws Exception {
        try (ServerSocketChannel listener =
                ServerSocketChannel.open().bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))) {
            InetSocketAddress address = (InetSocketAddress) listener.getLocalAddress();
            FutureTask<Boolean> server = new FutureTask<>(() -> {
                try (SocketChannel socket = listener.accept();
                        SecureChannel secure = context.secure(socket)) {
                    secure.handshake();
                    secure.sayGoodbye();
                    return true;
                }
            });
            Thread.startVirtualThread(server);
            try (SSLSocket client = (SSLSocket)
                    authority.trusting().getSocketFactory().createSocket(address.getAddress(), address.getPort())) {
                client.startHandshake();
                assertEquals(-1, client.getInputStream().read());
                X509Certificate shown = (X509Certificate) client.getSession().getPeerCertificates()[0];
                assertTrue(server.get());
                return shown.getSerialNumber();
            }
        }
    }
}
