package io.fdbnbd.tls;

import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import javax.naming.InvalidNameException;
import javax.naming.ldap.LdapName;
import javax.naming.ldap.Rdn;

/** Who a certificate says somebody is. */
final class CertificateNames {
    /** As numbered by X.509. */
    private static final int MAIL = 1;

    private static final int DNS = 2;
    private static final int URI = 6;
    private static final int IP = 7;
    private static final Set<Object> TEXT_KINDS = Set.of(MAIL, DNS, URI, IP);

    private CertificateNames() {}

    /**
     * The common name, the whole subject as RFC 2253 writes it ({@code CN=backup,O=Example}), and the alternative names
     * that are text: DNS names, mail addresses, URIs and IP addresses. The first is the best to show to people.
     * Names with control characters are left out: they are made to be taken for something else in a log.
     */
    static List<String> of(X509Certificate certificate) {
        List<String> names = new ArrayList<>();
        String subject = certificate.getSubjectX500Principal().getName();
        try {
            for (Rdn part : new LdapName(subject).getRdns()) {
                if (part.getType().equalsIgnoreCase("CN") && part.getValue() instanceof String name) {
                    names.add(name);
                }
            }
        } catch (InvalidNameException e) {
            // It has no common name that can be told, and the subject is compared as it is.
        }
        if (!subject.isEmpty()) {
            names.add(subject);
        }
        try {
            Collection<List<?>> alternatives = certificate.getSubjectAlternativeNames();
            if (alternatives != null) {
                alternatives.stream()
                        .filter(entry -> TEXT_KINDS.contains(entry.getFirst()))
                        .forEach(entry -> names.add((String) entry.getLast()));
            }
        } catch (CertificateParsingException e) {
            // Those are names that nobody can be allowed by.
        }
        names.removeIf(name -> name.isBlank() || name.chars().anyMatch(Character::isISOControl));
        return List.copyOf(names);
    }
}
