package io.fdbnbd.server;

import static io.fdbnbd.util.Checks.checkArgument;

import io.fdbnbd.nbd.Handshake;
import io.fdbnbd.tls.TlsContext;
import java.net.InetAddress;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Who may come in, and what he may do then.
 *
 * @param tls null for a server without
 * @param grants which clients may have which volumes, by the names that their certificates prove; empty for all
 * @param sources where clients may come from
 */
public record Access(ReadOnly readOnly, @Nullable Tls tls, List<Grant> grants, Sources sources) {

    /** Everybody may do everything. */
    public static final Access OPEN = new Access(ReadOnly.NOTHING, null, List.of(), Sources.ALL);

    /**
     * What nobody may change.
     *
     * @param all every volume; {@code volumes} says nothing more then
     */
    public record ReadOnly(boolean all, Set<String> volumes) {
        public static final ReadOnly NOTHING = new ReadOnly(false, Set.of());
        public static final ReadOnly ALL = new ReadOnly(true, Set.of());

        public ReadOnly {
            volumes = Set.copyOf(volumes);
        }

        public boolean covers(String volume) {
            return all || volumes.contains(volume);
        }
    }

    /**
     * How connections are encrypted.
     *
     * @param required whether clients have to use it
     */
    public record Tls(boolean required, TlsContext context) {}

    /**
     * A client that may attach a volume.
     *
     * @param volume {@link #EVERY_VOLUME}, or one
     * @param client one of the names in its certificate
     */
    public record Grant(String volume, String client) {
        public static final String EVERY_VOLUME = "*";

        /**
         * Reads {@code [VOLUME=]NAME}.
         *
         * @throws IllegalArgumentException if it is none; the message says what is accepted, for the user
         */
        public static Grant parse(String text) {
            int equals = text.indexOf('=');
            Grant grant = new Grant(equals < 0 ? EVERY_VOLUME : text.substring(0, equals), text.substring(equals + 1));
            if (grant.volume.isEmpty() || grant.client.isBlank()) {
                throw new IllegalArgumentException("\"" + text + "\" allows nobody: write NAME or VOLUME=NAME, like"
                        + " backup.example.org or disk=CN=backup,O=Example");
            }
            return grant;
        }

        boolean allows(List<String> clientNames, String wanted) {
            return (volume.equals(EVERY_VOLUME) || volume.equals(wanted)) && clientNames.contains(client);
        }
    }

    /**
     * Where clients may come from. Unix sockets are not asked: their files have an owner and a mode.
     *
     * @param allowed empty for everywhere
     * @param connectionsMax of one address at a time
     */
    public record Sources(List<AddressRange> allowed, int connectionsMax) {
        public static final Sources ALL = new Sources(List.of(), Integer.MAX_VALUE);

        public Sources {
            checkArgument(connectionsMax > 0, "the limit of connections of an address must be positive");
            allowed = List.copyOf(allowed);
        }

        boolean allows(InetAddress address) {
            return allowed.isEmpty() || allowed.stream().anyMatch(range -> range.contains(address));
        }
    }

    public Access {
        checkArgument(
                grants.isEmpty()
                        || (tls != null && tls.required() && tls.context().asksForCertificates()),
                "clients can be told apart only where TLS is required and they show certificates");
        grants = List.copyOf(grants);
    }

    public Access withReadOnly(ReadOnly value) {
        return new Access(value, tls, grants, sources);
    }

    public Access withTls(Tls value) {
        return new Access(readOnly, value, grants, sources);
    }

    public Access withGrants(List<Grant> value) {
        return new Access(readOnly, tls, value, sources);
    }

    public Access withSources(Sources value) {
        return new Access(readOnly, tls, grants, value);
    }

    /** Whether nobody is served without TLS. */
    public boolean isTlsRequired() {
        return tls != null && tls.required();
    }

    /** Whether nobody is served who does not show a certificate. */
    public boolean asksForCertificates() {
        return tls != null && tls.required() && tls.context().asksForCertificates();
    }

    /** Volumes that grants name one by one. */
    public Set<String> grantedVolumes() {
        return grants.stream()
                .map(Grant::volume)
                .filter(volume -> !volume.equals(Grant.EVERY_VOLUME))
                .collect(Collectors.toCollection(TreeSet::new));
    }

    /** @param clientNames what its certificate proves */
    boolean allows(List<String> clientNames, String volume) {
        return grants.isEmpty() || grants.stream().anyMatch(grant -> grant.allows(clientNames, volume));
    }

    /** How a connection begins. */
    Handshake.Tls handshakeTls() {
        if (tls == null) {
            return Handshake.Tls.OFF;
        }
        return tls.required() ? Handshake.Tls.REQUIRED : Handshake.Tls.OPTIONAL;
    }
}
