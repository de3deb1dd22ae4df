package io.fdbnbd.tls;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.security.Signature;
import java.security.cert.CertificateExpiredException;
import java.security.cert.CertificateNotYetValidException;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.Date;
import java.util.List;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedTrustManager;
import org.jspecify.annotations.Nullable;
import org.tinylog.Logger;

/** What stood in {@link TlsFiles} when they were read, checked for what would fail every handshake. Never changes. */
final class Identity {
    private static final Duration EXPIRY_WARNING = Duration.ofDays(14);
    private static final int PROBE_BYTES = 32;

    /** A session that is taken up again skips the check of the client's certificate, so this is how late it may be. */
    private static final int SESSION_SECONDS_MAX = 3600;

    private final SSLContext context;

    private Identity(SSLContext context) {
        this.context = context;
    }

    /** @throws IOException if nobody could be served with these files; the message says why, for the user */
    static Identity read(TlsFiles files, Instant now) throws IOException {
        List<X509Certificate> chain = new PemFile("certificate", files.certificate()).certificates();
        PrivateKey key = new PemFile("key", files.key()).privateKey();
        requirePair(files, chain.getFirst(), key);
        requireValid(files.certificate(), chain.getFirst(), now);
        warnOfReaders(files.key());
        try {
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(keyManagers(chain, key), trustManagers(files.authorities()), null);
            context.getServerSessionContext().setSessionTimeout(SESSION_SECONDS_MAX);
            return new Identity(context);
        } catch (GeneralSecurityException e) {
            throw new IOException("TLS cannot use " + files.certificate() + ": " + e.getMessage(), e);
        }
    }

    SSLContext context() {
        return context;
    }

    private static KeyManager[] keyManagers(List<X509Certificate> chain, PrivateKey key)
            throws GeneralSecurityException, IOException {
        KeyStore store = emptyStore();
        char[] noPassword = new char[0]; // the store never leaves the memory
        store.setKeyEntry("server", key, noPassword, chain.toArray(new X509Certificate[0]));
        KeyManagerFactory factory = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        factory.init(store, noPassword);
        return factory.getKeyManagers();
    }

    /** Without authorities nobody is asked for a certificate, and one that is sent all the same is trusted by nobody. */
    private static TrustManager[] trustManagers(@Nullable Path authorities)
            throws GeneralSecurityException, IOException {
        if (authorities == null) {
            return new TrustManager[0];
        }
        KeyStore store = emptyStore();
        for (X509Certificate authority : new PemFile("authority", authorities).certificates()) {
            store.setCertificateEntry("authority-" + store.size(), authority);
        }
        TrustManagerFactory factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        factory.init(store);
        return Arrays.stream(factory.getTrustManagers())
                .map(X509ExtendedTrustManager.class::cast) // X.509 is all there is
                .map(ClientTrust::new)
                .toArray(TrustManager[]::new);
    }

    private static KeyStore emptyStore() throws GeneralSecurityException, IOException {
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        return store;
    }

    private static void requirePair(TlsFiles files, X509Certificate certificate, PrivateKey key) throws IOException {
        String mismatch = "the key in " + files.key() + " does not belong to the certificate in " + files.certificate()
                + ": give --tls-key the key that this certificate was made for, and put the server's own certificate"
                + " first in its file";
        try {
            Signature signature = Signature.getInstance(
                    switch (key.getAlgorithm()) {
                        case "RSA" -> "SHA256withRSA";
                        case "EC" -> "SHA256withECDSA";
                        default -> key.getAlgorithm();
                    });
            byte[] probe = new byte[PROBE_BYTES];
            new SecureRandom().nextBytes(probe);
            signature.initSign(key);
            signature.update(probe);
            byte[] signed = signature.sign();
            signature.initVerify(certificate.getPublicKey());
            signature.update(probe);
            if (!signature.verify(signed)) {
                throw new IOException(mismatch);
            }
        } catch (GeneralSecurityException e) {
            throw new IOException(mismatch, e);
        }
    }

    private static void requireValid(Path file, X509Certificate certificate, Instant now) throws IOException {
        Instant end = certificate.getNotAfter().toInstant();
        try {
            certificate.checkValidity(Date.from(now));
        } catch (CertificateExpiredException e) {
            throw new IOException("the certificate in " + file + " expired at " + end + ": put a new one there", e);
        } catch (CertificateNotYetValidException e) {
            throw new IOException(
                    "the certificate in " + file + " is not valid before "
                            + certificate.getNotBefore().toInstant() + ": check it, and this machine's clock",
                    e);
        }
        if (now.plus(EXPIRY_WARNING).isAfter(end)) {
            Logger.warn("the certificate in {} expires at {}: clients will refuse it then", file, end);
        }
    }

    private static void warnOfReaders(Path key) throws IOException {
        if (key.getFileSystem().supportedFileAttributeViews().contains("posix")
                && Files.getPosixFilePermissions(key).contains(PosixFilePermission.OTHERS_READ)) {
            Logger.warn("every user of this machine can read the key in {}: chmod o-r it", key);
        }
    }
}
