package io.fdbnbd.cli;

import io.fdbnbd.server.Access;
import io.fdbnbd.server.AddressRange;
import io.fdbnbd.tls.TlsContext;
import io.fdbnbd.tls.TlsFiles;
import java.io.IOException;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The options of {@code fdb-nbd serve} that say who may come in, and what he may do then. */
final class AccessOptions {
    /** No volume has this name. Not the empty text: picocli takes an empty fallback for none. */
    private static final String EVERY_VOLUME = "/";

    enum TlsMode {
        OFF,
        OPTIONAL,
        REQUIRED
    }

    @Spec(Spec.Target.MIXEE)
    private CommandSpec spec;

    @Option(
            names = "--read-only",
            arity = "0..1",
            fallbackValue = EVERY_VOLUME,
            paramLabel = "VOLUME",
            description = "Refuse changes of this volume by clients, or of all without a name; may be given more than"
                    + " once.")
    private List<String> readOnly = List.of();

    @Option(
            names = "--allow",
            paramLabel = "ADDRESSES",
            converter = Converters.Range.class,
            description = "Only serve clients from these addresses, like 10.0.0.0/8, 2001:db8::/32 or 192.0.2.1; may be"
                    + " given more than once. Others are closed before a byte is sent. Unix sockets are not asked.")
    private List<AddressRange> allowed = List.of();

    @Option(
            names = "--connections-per-address",
            paramLabel = "N",
            description = "How many connections one address may have at a time. Default: as many as there may be.")
    private int connectionsPerAddress = Integer.MAX_VALUE;

    @Option(
            names = "--tls",
            paramLabel = "MODE",
            converter = Converters.TlsModeByName.class,
            description = "off; optional: whoever asks for it gets it; required: whoever does not is told nothing, not"
                    + " even the names of the volumes. Default: required with --tls-cert, else off.")
    private @Nullable TlsMode tls;

    @Option(
            names = "--tls-cert",
            paramLabel = "FILE",
            description = "The server's certificate in PEM, and behind it those up to one that clients trust. A file"
                    + " that is replaced is used from the next connection on.")
    private @Nullable Path certificate;

    @Option(names = "--tls-key", paramLabel = "FILE", description = "The certificate's private key in PEM.")
    private @Nullable Path key;

    @Option(
            names = "--tls-ca",
            paramLabel = "FILE",
            description = "Only serve clients with a certificate that one of these vouches for, in PEM.")
    private @Nullable Path authorities;

    @Option(
            names = "--tls-allow",
            paramLabel = "[VOLUME=]NAME",
            converter = Converters.GrantByName.class,
            description = "Of those, only serve this client, or only to this one this volume; may be given more than"
                    + " once. NAME is the common name or an alternative name in its certificate, or the whole subject"
                    + " in the form *=CN=a,O=b (* stands for all volumes).")
    private List<Access.Grant> grants = List.of();

    /**
     * What the options say.
     *
     * @throws ParameterException if they do not fit together
     * @throws IOException if TLS cannot be had with the files that are named
     */
    Access access() throws IOException {
        if (connectionsPerAddress < 1) {
            throw wrong("in --connections-per-address: it must be at least 1, or nobody could connect");
        }
        Access access =
                Access.OPEN.withReadOnly(readOnly()).withSources(new Access.Sources(allowed, connectionsPerAddress));
        TlsMode mode = tls != null ? tls : certificate == null ? TlsMode.OFF : TlsMode.REQUIRED;
        if (mode == TlsMode.OFF) {
            if (certificate == null && key == null && authorities == null && grants.isEmpty()) {
                return access;
            }
            throw tls == TlsMode.OFF
                    ? wrong("--tls-cert, --tls-key, --tls-ca and --tls-allow mean nothing with --tls off: give"
                            + " --tls required, or leave them out")
                    : noIdentity();
        }
        if (certificate == null || key == null) {
            throw noIdentity();
        }
        if (authorities != null && mode == TlsMode.OPTIONAL) {
            throw wrong("--tls-ca keeps nobody out who may come without TLS: give --tls required");
        }
        if (authorities == null && !grants.isEmpty()) {
            throw wrong("--tls-allow needs certificates of clients: give --tls-ca");
        }
        TlsContext context = TlsContext.open(new TlsFiles(certificate, key, authorities), InstantSource.system());
        return access.withTls(new Access.Tls(mode == TlsMode.REQUIRED, context)).withGrants(grants);
    }

    private ParameterException noIdentity() {
        return wrong("TLS needs the server's certificate and key: give --tls-cert and --tls-key");
    }

    private Access.ReadOnly readOnly() {
        if (readOnly.contains(EVERY_VOLUME)) {
            return Access.ReadOnly.ALL;
        }
        Set<String> volumes = new TreeSet<>(readOnly);
        return new Access.ReadOnly(false, volumes);
    }

    private ParameterException wrong(String message) {
        return new ParameterException(spec.commandLine(), message);
    }
}
