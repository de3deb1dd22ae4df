package io.fdbnbd.tls;

import io.fdbnbd.util.Printable;
import java.net.Socket;
import java.security.cert.CertPathBuilderException;
import java.security.cert.CertificateException;
import java.security.cert.CertificateExpiredException;
import java.security.cert.CertificateNotYetValidException;
import java.security.cert.X509Certificate;
import java.util.List;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.X509ExtendedTrustManager;

/**
 * Checks certificates of clients as the JDK does, and says in words for the log why one is refused. Does not tell
 * strangers which authorities count here: GnuTLS clients, which are most of those that speak NBD, send no certificate at
 * all over TLS 1.3 if they are told.
 */
final class ClientTrust extends X509ExtendedTrustManager {
    private static final int NAME_CHARS_MAX = 100;

    private final X509ExtendedTrustManager trust;

    private interface Verdict {
        void give() throws CertificateException;
    }

    ClientTrust(X509ExtendedTrustManager trust) {
        this.trust = trust;
    }

    @Override
    public X509Certificate[] getAcceptedIssuers() {
        return new X509Certificate[0];
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String authType, SSLEngine engine)
            throws CertificateException {
        explaining(chain[0], () -> trust.checkClientTrusted(chain, authType, engine));
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String authType, Socket socket)
            throws CertificateException {
        explaining(chain[0], () -> trust.checkClientTrusted(chain, authType, socket));
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String authType) throws CertificateException {
        explaining(chain[0], () -> trust.checkClientTrusted(chain, authType));
    }

    private static void explaining(X509Certificate certificate, Verdict verdict) throws CertificateException {
        try {
            verdict.give();
        } catch (CertificateException e) {
            List<String> names = CertificateNames.of(certificate);
            String whose =
                    "the certificate of " + shown(names.isEmpty() ? "somebody without a name" : names.getFirst());
            throw new CertificateException(whose + " " + reason(certificate, e), e);
        }
    }

    private static String reason(X509Certificate certificate, CertificateException refusal) {
        try {
            certificate.checkValidity();
        } catch (CertificateExpiredException e) {
            return "expired at " + certificate.getNotAfter().toInstant() + ": it needs a new one";
        } catch (CertificateNotYetValidException e) {
            return "is not valid before " + certificate.getNotBefore().toInstant()
                    + ": check it, and this machine's clock";
        }
        for (Throwable cause = refusal; cause != null; cause = cause.getCause()) {
            if (cause instanceof CertPathBuilderException) {
                String issuer = shown(certificate.getIssuerX500Principal().getName());
                return "was issued by " + issuer
                        + ", which no authority of --tls-ca vouches for: it needs one from those,"
                        + " and has to send what lies in between";
            }
        }
        return "is not accepted: " + refusal.getMessage();
    }

    private static String shown(String name) {
        return Printable.of(name, NAME_CHARS_MAX);
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String authType, SSLEngine engine)
            throws CertificateException {
        throw noServer();
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String authType, Socket socket)
            throws CertificateException {
        throw noServer();
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String authType) throws CertificateException {
        throw noServer();
    }

    private static CertificateException noServer() {
        return new CertificateException("this is a server, and trusts none");
    }
}
