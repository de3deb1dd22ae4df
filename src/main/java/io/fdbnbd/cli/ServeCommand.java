package io.fdbnbd.cli;

import io.fdbnbd.metrics.Metrics;
import io.fdbnbd.server.Access;
import io.fdbnbd.server.ListenAddress;
import io.fdbnbd.server.NbdServer;
import io.fdbnbd.server.ServerOptions;
import io.fdbnbd.status.ServerStatus;
import io.fdbnbd.store.Store;
import io.fdbnbd.util.Closer;
import io.fdbnbd.util.Ticker;
import io.fdbnbd.util.UnixSockets;
import io.fdbnbd.volume.AckMode;
import io.fdbnbd.volume.Catalog;
import io.fdbnbd.volume.UncleanPolicy;
import io.fdbnbd.volume.VolumeException;
import io.fdbnbd.volume.VolumeList;
import io.fdbnbd.volume.VolumeOptions;
import io.fdbnbd.volume.Volumes;
import java.io.IOException;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.tinylog.Logger;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code fdb-nbd serve}: puts the server together, and runs it until a signal comes. */
@Command(
        name = "serve",
        description = {
            "Serves the volumes of a store to NBD clients until SIGTERM or SIGINT (Ctrl-C) comes; then finishes what is"
                    + " under way, stores what is buffered and exits with 0, or with 1 if something could not be stored"
                    + " within a minute."
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  fdb-nbd serve --create disk:10G",
            "      one volume, created if it is missing, for clients of this machine",
            "  fdb-nbd serve --store memory: --create scratch:1G",
            "      for trying out: nothing is kept",
            "  fdb-nbd serve --store rocksdb:/var/lib/fdb-nbd --listen 0.0.0.0 --listen unix:/run/fdb-nbd.sock",
            "      for other machines too, and over a unix socket"
        })
final class ServeCommand implements Callable<Integer> {
    private final Supplier<StoreAddress> store;
    private final Surroundings surroundings;

    @Spec
    private CommandSpec spec;

    @Mixin
    private ListenOptions listen;

    @Option(
            names = "--create",
            paramLabel = "NAME:SIZE",
            converter = Converters.Wanted.class,
            description = "Create this volume first, if it is not there with this size; may be given more than once.")
    private List<WantedVolume> wanted = List.of();

    @Option(
            names = "--ack",
            paramLabel = "WHEN",
            converter = Converters.AckByName.class,
            description = {
                "When a write is answered. buffered: at once, and it is safe after a flush, like on a disk with a"
                        + " write cache; committed: when it is durable. Default: buffered."
            })
    private AckMode ack = AckMode.BUFFERED;

    @Option(
            names = "--multi-conn",
            arity = "1",
            paramLabel = "on|off",
            converter = Converters.OnOff.class,
            description = {
                "Whether a volume may have several connections at a time. off: a new one replaces the older one, so"
                        + " that nothing that the older one left in the network can change the volume any more; for"
                        + " clients with one connection over a network that loses packets. Default: on."
            })
    private boolean multiConn = true;

    @Mixin
    private AccessOptions door;

    @Option(
            names = "--take-over",
            description =
                    "Take volumes at once from other servers on the same FoundationDB that live; from the dead they"
                            + " are taken in any case, after 10 s.")
    private boolean takeOver;

    @Option(
            names = "--on-unclean",
            paramLabel = "WHAT",
            converter = Converters.UncleanPolicyByName.class,
            description = {
                "What becomes of a volume whose last server ended without having stored all writes that it had answered."
                        + " refuse: clients are refused until `fdb-nbd volume recover`; accept: this says, of all such"
                        + " volumes, that what uses them has been restarted since. Default: refuse."
            })
    private UncleanPolicy onUnclean = UncleanPolicy.REFUSE;

    @Mixin
    private Watching watching;

    /** @param store is asked when the command runs, after its options have been read */
    ServeCommand(Supplier<StoreAddress> store, Surroundings surroundings) {
        this.store = store;
        this.surroundings = surroundings;
    }

    @Override
    public Integer call() throws IOException {
        StoreAddress address = store.get();
        Access access = door.access();
        Systemd systemd = new Systemd(surroundings.environment());
        ServerSocketChannel handedOver = systemd.handedOver();
        ServerOptions options = ServerOptions.of(listen.addresses(handedOver != null))
                .withAccess(access)
                .withMultiConn(multiConn);
        Shutdown shutdown = Shutdown.install(spec.commandLine().getErr());
        try {
            announce(start(address, options, handedOver, shutdown.parts()));
            shutdown.parts().register(systemd::stopping);
            systemd.ready();
        } catch (IOException | RuntimeException e) {
            shutdown.cancel(e);
            throw e;
        }
        shutdown.await();
        return Main.EXIT_DONE;
    }

    /** Starts everything, each part registered as soon as it is there. */
    private Announcement start(
            StoreAddress address, ServerOptions options, @Nullable ServerSocketChannel handedOver, Closer parts)
            throws IOException {
        Access access = options.access();
        Store opened = parts.register(address.open());
        Metrics metrics = new Metrics(Ticker.SYSTEM);
        watching.startLog(metrics, parts);
        Volumes volumes = parts.register(new Volumes(opened, volumeOptions(), Ticker.SYSTEM, metrics::open));
        parts.register(volumes::requireAllStored);
        WantedVolume.createAll(wanted, volumes.catalog(), this::say);
        NbdServer server = new NbdServer(volumes, options, Ticker.SYSTEM);
        ServerStatus status = watching.start(address, volumes, server::connectionCount, metrics, parts);
        parts.register(server);
        server.start(handedOver == null ? new ServerSocketChannel[0] : new ServerSocketChannel[] {handedOver});
        warnOfStrangers(access, server.addresses());
        if (address instanceof StoreAddress.Rocks rocks) {
            startControl(
                    rocks.directory(),
                    new Administration(
                            rocks, address.option(surroundings), volumes, access.isTlsRequired(), server.addresses()),
                    status,
                    parts);
        }
        parts.register(volumes::refuseAttaching);
        parts.register(status::stopping);
        status.serving();
        VolumeList all = volumes.catalog().list();
        all.unreadable().forEach(bad -> Logger.warn("not served: {}", Failures.sentence(bad.cause())));
        warnOfMissing("--read-only", access.readOnly().volumes(), volumes.catalog());
        warnOfMissing("--tls-allow", access.grantedVolumes(), volumes.catalog());
        return new Announcement(address, address.option(surroundings), all.volumes(), server.addresses(), ack, access);
    }

    private VolumeOptions volumeOptions() {
        return VolumeOptions.of(ack).withTakeOver(takeOver).withOnUnclean(onUnclean);
    }

    /** Without it the server serves all the same. */
    private static void startControl(Path directory, Administration administration, ServerStatus status, Closer parts) {
        if (!UnixSockets.fits(directory.resolve(ControlServer.SOCKET_NAME))) {
            Logger.warn(
                    "volume commands cannot reach this server: the name of {} is too long for a unix socket in it",
                    directory);
            return;
        }
        try {
            ServerReach reach = new ServerReach(administration);
            parts.register(ControlServer.start(
                    directory,
                    request ->
                            request.equals(Watching.STATUS_REQUEST) ? Watching.answer(status) : reach.answer(request),
                    ControlServer.PART_DEADLINE_DEFAULT));
        } catch (IOException e) {
            Logger.warn("volume commands cannot reach this server: no socket in {}: {}", directory, e.getMessage());
        }
    }

    private static void warnOfStrangers(Access access, List<ListenAddress> addresses) throws IOException {
        if (!access.sources().allowed().isEmpty() || access.asksForCertificates()) {
            return;
        }
        for (ListenAddress address : addresses) {
            if (!Attaching.isLocal(address)) {
                Logger.warn(
                        "whoever can connect to {} can {} every volume: {}",
                        address,
                        access.readOnly().all() ? "read" : "read and change",
                        access.isTlsRequired()
                                ? "neither --allow nor --tls-ca keeps anybody out"
                                : "neither --allow nor --tls keeps anybody out");
            }
        }
    }

    /** They may be created while this serves; but who has mistyped a name has another door open, or shut, than he meant. */
    private static void warnOfMissing(String option, Set<String> volumes, Catalog catalog) throws VolumeException {
        for (String volume : volumes) {
            if (catalog.find(volume).isEmpty()) {
                Logger.warn("{} names volume '{}', which does not exist yet: check the name", option, volume);
            }
        }
    }

    private void announce(Announcement announcement) {
        if (surroundings.terminal()) {
            announcement.text().forEach(spec.commandLine().getOut()::println);
        } else {
            announcement.uriLines().forEach(Logger::info);
            Logger.info(announcement.line());
        }
    }

    private void say(String line) {
        if (surroundings.terminal()) {
            spec.commandLine().getOut().println(line);
        } else {
            Logger.info(line);
        }
    }
}
