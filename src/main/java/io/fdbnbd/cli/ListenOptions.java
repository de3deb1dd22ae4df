package io.fdbnbd.cli;

import io.fdbnbd.server.ListenAddress;
import io.fdbnbd.server.SocketFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The options of {@code fdb-nbd serve} that say where clients connect. */
final class ListenOptions {
    private static final String LISTEN_DEFAULT = "127.0.0.1:10809";

    @Spec(Spec.Target.MIXEE)
    private CommandSpec spec;

    @Option(
            names = "--listen",
            paramLabel = "ADDRESS",
            converter = Converters.Address.class,
            description = {
                "HOST:PORT, [IPv6]:PORT (port 0: any free one) or unix:PATH; may be given more than once. Default: the"
                        + " socket that systemd hands over, else " + LISTEN_DEFAULT + ", for clients of this machine.",
                "Name another address in trusted networks only, or with --allow or --tls-ca."
            })
    private List<ListenAddress> listen = List.of();

    @Option(
            names = "--socket-mode",
            paramLabel = "MODE",
            description =
                    "The mode of unix sockets in octal, like 0660: who may write may connect. Default: as the mask"
                            + " of this process has it.")
    private @Nullable String mode;

    @Option(
            names = "--socket-owner",
            paramLabel = "USER[:GROUP]",
            description = "Whom unix sockets belong to, by name or number; :GROUP leaves the user alone.")
    private @Nullable String owner;

    /**
     * Where to listen.
     *
     * @param hasSocket whether there is one already, so that nothing is to be listened at by default
     * @throws ParameterException if the options make no sense
     */
    List<ListenAddress> addresses(boolean hasSocket) throws IOException {
        List<ListenAddress> wanted =
                listen.isEmpty() && !hasSocket ? List.of(ListenAddress.parse(LISTEN_DEFAULT)) : listen;
        if (mode == null && owner == null) {
            return wanted;
        }
        if (wanted.stream().noneMatch(ListenAddress.Unix.class::isInstance)) {
            throw new ParameterException(
                    spec.commandLine(),
                    "--socket-mode and --socket-owner are for unix sockets: give --listen unix:PATH");
        }
        SocketFile file = file();
        return wanted.stream()
                .map(address -> address instanceof ListenAddress.Unix unix
                        ? new ListenAddress.Unix(unix.path(), file)
                        : address)
                .toList();
    }

    private SocketFile file() throws IOException {
        SocketFile file = SocketFile.PLAIN;
        String option = "--socket-owner";
        try {
            file = owner == null ? file : file.withOwner(owner, Path.of("."));
            option = "--socket-mode";
            return mode == null ? file : file.withMode(mode);
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), "in " + option + ": " + e.getMessage(), e);
        }
    }
}
