package io.fdbnbd.tls;

import java.io.IOException;
import java.io.Writer;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Date;
import java.util.concurrent.atomic.AtomicLong;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.cert.X509v3CertificateBuilder;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.openssl.jcajce.JcaPEMWriter;
import org.bouncycastle.openssl.jcajce.JcaPKCS8Generator;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;

/** A certificate authority of a test's own, and the files of those that it vouches for. */
public final class TestAuthority {
    private static final Duration VALID = Duration.ofDays(365);
    private static final AtomicLong SERIALS = new AtomicLong(1);

    /** A certificate and its key, as files and as objects. */
    public record Issued(Path certificate, Path key, X509Certificate x509, PrivateKey secret) {
        /** What a server with this certificate is given, which asks for none in return. */
        public TlsContext context() throws IOException {
            return TlsContext.open(new TlsFiles(certificate, key, null), InstantSource.system());
        }

        public TlsContext contextAskingFor(TestAuthority clients) throws IOException {
            return TlsContext.open(new TlsFiles(certificate, key, clients.certificate()), InstantSource.system());
        }
    }

    private final Path folder;
    private final Issued self;
    private final KeyPair keys;

    private TestAuthority(Path folder, Issued self, KeyPair keys) {
        this.folder = folder;
        this.self = self;
        this.keys = keys;
    }

    public static TestAuthority create(Path folder, String name) throws Exception {
        KeyPair keys = keys("EC");
        X500Name subject = new X500Name("CN=" + name);
        X509v3CertificateBuilder builder = builder(subject, subject, keys, Instant.now(), VALID)
                .addExtension(Extension.basicConstraints, true, new BasicConstraints(true))
                .addExtension(Extension.keyUsage, true, new KeyUsage(KeyUsage.keyCertSign | KeyUsage.cRLSign));
        return new TestAuthority(folder, write(folder, name, sign(builder, keys), keys.getPrivate()), keys);
    }

    /** The authority's own certificate. */
    public Path certificate() {
        return self.certificate();
    }

    /** For localhost and 127.0.0.1. */
    public Issued server(String fileName) throws Exception {
        return issue(fileName, "CN=server", Instant.now(), "EC", "localhost", "127.0.0.1");
    }

    public Issued client(String fileName, String subject, String... names) throws Exception {
        return issue(fileName, subject, Instant.now(), "EC", names);
    }

    /**
     * Vouches for somebody for a year that ends a year after {@code now}.
     *
     * @param algorithm of the key, as the JDK calls it
     * @param names alternative ones: an IP address, a mail address, a URI or a DNS name
     */
    public Issued issue(String fileName, String subject, Instant now, String algorithm, String... names)
            throws Exception {
        KeyPair subjectKeys = keys(algorithm);
        X509v3CertificateBuilder builder = builder(
                new X500Name(self.x509().getSubjectX500Principal().getName()),
                new X500Name(subject),
                subjectKeys,
                now,
                VALID);
        if (names.length > 0) {
            GeneralName[] alternatives = new GeneralName[names.length];
            for (int i = 0; i < names.length; i++) {
                int kind = names[i].contains("://")
                        ? GeneralName.uniformResourceIdentifier
                        : names[i].contains("@")
                                ? GeneralName.rfc822Name
                                : names[i].matches("[0-9.]+") ? GeneralName.iPAddress : GeneralName.dNSName;
                alternatives[i] = new GeneralName(kind, names[i]);
            }
            builder.addExtension(Extension.subjectAlternativeName, false, new GeneralNames(alternatives));
        }
        return write(folder, fileName, sign(builder, keys), subjectKeys.getPrivate());
    }

    /** What a client has that trusts this authority. */
    public SSLContext trusting() throws Exception {
        return context(new KeyManager[0]);
    }

    /** As {@link #trusting}, for a client that has a certificate. */
    public SSLContext trustingAs(Issued client) throws Exception {
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        store.setKeyEntry("client", client.secret(), new char[0], new X509Certificate[] {client.x509()});
        KeyManagerFactory factory = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        factory.init(store, new char[0]);
        return context(factory.getKeyManagers());
    }

    private SSLContext context(KeyManager[] own) throws GeneralSecurityException, IOException {
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        store.setCertificateEntry("authority", self.x509());
        TrustManagerFactory factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        factory.init(store);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(own, factory.getTrustManagers(), null);
        return context;
    }

    private static KeyPair keys(String algorithm) throws GeneralSecurityException {
        KeyPairGenerator generator = KeyPairGenerator.getInstance(algorithm);
        switch (algorithm) {
            case "EC" -> generator.initialize(256);
            case "RSA" -> generator.initialize(2048);
            default -> {}
        }
        return generator.generateKeyPair();
    }

    private static X509v3CertificateBuilder builder(
            X500Name issuer, X500Name subject, KeyPair subjectKeys, Instant now, Duration valid) {
        return new JcaX509v3CertificateBuilder(
                issuer,
                BigInteger.valueOf(SERIALS.incrementAndGet()),
                Date.from(now.minus(Duration.ofDays(1))),
                Date.from(now.plus(valid)),
                subject,
                subjectKeys.getPublic());
    }

    private static X509Certificate sign(X509v3CertificateBuilder builder, KeyPair authority)
            throws GeneralSecurityException, OperatorCreationException {
        return new JcaX509CertificateConverter()
                .getCertificate(
                        builder.build(new JcaContentSignerBuilder("SHA256withECDSA").build(authority.getPrivate())));
    }

    /** Over what was there under this name before, as those do it who renew certificates. */
    private static Issued write(Path folder, String name, X509Certificate certificate, PrivateKey key)
            throws IOException {
        Path certificateFile = folder.resolve(name + "-cert.pem");
        Path keyFile = folder.resolve(name + "-key.pem");
        writePem(certificateFile, certificate);
        writePem(keyFile, new JcaPKCS8Generator(key, null));
        Files.setPosixFilePermissions(keyFile, PosixFilePermissions.fromString("rw-------"));
        return new Issued(certificateFile, keyFile, certificate, key);
    }

    /** Through another file, so that it is there at once. */
    static void writePem(Path file, Object content) throws IOException {
        Path fresh = Files.createTempFile(file.toAbsolutePath().getParent(), "pem", "");
        try (Writer text = Files.newBufferedWriter(fresh);
                JcaPEMWriter pem = new JcaPEMWriter(text)) {
            pem.writeObject(content);
        }
        Files.move(
                fresh,
                file,
                java.nio.file.StandardCopyOption.REPLACE_EXISTING,
                java.nio.file.StandardCopyOption.ATOMIC_MOVE);
    }
}
