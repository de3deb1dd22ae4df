package io.fdbnbd.tls;

import java.io.IOException;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.PrivateKey;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;
import org.bouncycastle.asn1.pkcs.PrivateKeyInfo;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.openssl.PEMEncryptedKeyPair;
import org.bouncycastle.openssl.PEMKeyPair;
import org.bouncycastle.openssl.PEMParser;
import org.bouncycastle.openssl.jcajce.JcaPEMKeyConverter;
import org.bouncycastle.pkcs.PKCS8EncryptedPrivateKeyInfo;
import org.jspecify.annotations.Nullable;

/** Reads one file of certificates, or of a key. Every failure is an {@link IOException} of one sentence for the user. */
final class PemFile {
    /** No certificate or key comes near it; a device or a disk image named by mistake must not fill the memory. */
    private static final int BYTES_MAX = 4 << 20;

    private final String role;
    private final Path path;

    /** @param role what the file is for, like "certificate" */
    PemFile(String role, Path path) {
        this.role = role;
        this.path = path;
    }

    /** In the order of the file, at least one. */
    List<X509Certificate> certificates() throws IOException {
        List<X509Certificate> all = new ArrayList<>();
        JcaX509CertificateConverter converter = new JcaX509CertificateConverter();
        try (PEMParser parser = parser()) {
            for (Object found = parser.readObject(); found != null; found = parser.readObject()) {
                if (found instanceof X509CertificateHolder holder) {
                    all.add(converter.getCertificate(holder));
                }
            }
        } catch (IllegalFileException e) {
            throw e;
        } catch (IOException | CertificateException | RuntimeException e) {
            throw failure(
                    "has a certificate that cannot be read: it must be in PEM, -----BEGIN CERTIFICATE-----", null);
        }
        if (all.isEmpty()) {
            throw failure("has no certificate in it: it must have one in PEM, -----BEGIN CERTIFICATE-----", null);
        }
        return all;
    }

    /** What it says of a broken file can quote the file, so that is never passed on, not even as a cause. */
    private PEMParser parser() throws IOException {
        return new PEMParser(new StringReader(new String(read(), StandardCharsets.ISO_8859_1)));
    }

    /** The first key in the file, in any of the forms that tools write. */
    PrivateKey privateKey() throws IOException {
        try (PEMParser parser = parser()) {
            for (Object found = parser.readObject(); found != null; found = parser.readObject()) {
                switch (found) {
                    case PrivateKeyInfo info -> {
                        return key(info);
                    }
                    case PEMKeyPair pair -> {
                        return key(pair.getPrivateKeyInfo());
                    }
                    case PEMEncryptedKeyPair encrypted -> throw encrypted();
                    case PKCS8EncryptedPrivateKeyInfo encrypted -> throw encrypted();
                    default -> {} // EC PARAMETERS, or the certificate in the same file
                }
            }
        } catch (IllegalFileException e) {
            throw e;
        } catch (IOException | RuntimeException e) {
            throw failure("has no private key that can be read: it must be in PEM, -----BEGIN PRIVATE KEY-----", null);
        }
        throw failure("has no private key in it: it must have one in PEM, -----BEGIN PRIVATE KEY-----", null);
    }

    private static PrivateKey key(PrivateKeyInfo info) throws IOException {
        return new JcaPEMKeyConverter().getPrivateKey(info);
    }

    private IOException encrypted() {
        return failure(
                "is encrypted with a password, which a server that starts by itself cannot ask for: write it without,"
                        + " like `openssl pkey -in OLD -out NEW` does, and let only the server read it",
                null);
    }

    private byte[] read() throws IOException {
        try {
            if (Files.isDirectory(path)) {
                throw failure("is a directory: name a file in it", null);
            }
            try (var in = Files.newInputStream(path)) {
                byte[] bytes = in.readNBytes(BYTES_MAX);
                if (bytes.length == BYTES_MAX) {
                    throw failure(
                            "has more than " + (BYTES_MAX >> 20) + " MiB, so it is something else: name a file in PEM",
                            null);
                }
                return bytes;
            }
        } catch (IllegalFileException e) {
            throw e;
        } catch (NoSuchFileException e) {
            throw failure("does not exist: check its name", e);
        } catch (AccessDeniedException e) {
            throw failure("may not be read by this user: check its owner and its mode", e);
        } catch (IOException e) {
            throw failure("cannot be read: " + e.getMessage(), e);
        }
    }

    private IllegalFileException failure(String what, @Nullable Exception cause) {
        return new IllegalFileException("the " + role + " file " + path + " " + what, cause);
    }

    /** Has its sentence already. */
    private static final class IllegalFileException extends IOException {
        private static final long serialVersionUID = 1L;

        IllegalFileException(String message, @Nullable Exception cause) {
            super(message, cause);
        }
    }
}
