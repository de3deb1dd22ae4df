package io.fdbnbd.server;

import static io.fdbnbd.util.Checks.check;

import io.fdbnbd.nbd.Export;
import io.fdbnbd.nbd.ExportRefusedException;
import io.fdbnbd.nbd.Exports;
import io.fdbnbd.nbd.Nbd;
import io.fdbnbd.volume.Attachment;
import io.fdbnbd.volume.Volume;
import io.fdbnbd.volume.VolumeException;
import io.fdbnbd.volume.VolumeInfo;
import io.fdbnbd.volume.VolumeList;
import io.fdbnbd.volume.Volumes;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The volumes as one connection sees them, and what it has attached. Belongs to the connection's thread. */
final class VolumeExports implements Exports, AutoCloseable {

    private static final int FLAGS = Nbd.TRANSMIT_HAS_FLAGS
            | Nbd.TRANSMIT_SEND_FLUSH
            | Nbd.TRANSMIT_SEND_FUA
            | Nbd.TRANSMIT_SEND_TRIM
            | Nbd.TRANSMIT_SEND_WRITE_ZEROES
            | Nbd.TRANSMIT_SEND_FAST_ZERO
            | Nbd.TRANSMIT_SEND_CACHE;

    private final Volumes volumes;
    private final Access access;
    private final int flags;
    private List<String> clientNames = List.of();
    private @Nullable Attachment attachment;

    /** Read by the watchdog: what takes long then is ours, not the client's. */
    private volatile boolean attaching;

    VolumeExports(Volumes volumes, ServerOptions options) {
        this.volumes = volumes;
        this.access = options.access();
        // All connections to a volume share its buffer: a FLUSH on one covers the writes of the others.
        this.flags = FLAGS | (options.multiConn() ? Nbd.TRANSMIT_CAN_MULTI_CONN : 0);
    }

    /** Who the client has proven to be; until then it is nobody. */
    void identify(List<String> names) {
        clientNames = names;
    }

    @Override
    public Export find(String name) throws ExportRefusedException {
        try {
            if (name.isEmpty()) {
                return export(onlyVolume());
            }
            requireAllowed(name);
            Optional<VolumeInfo> found = volumes.catalog().find(name);
            if (found.isEmpty()) {
                throw new ExportRefusedException(Nbd.REP_ERR_UNKNOWN, "there is no volume '" + name + "'");
            }
            return export(found.get());
        } catch (VolumeException e) {
            throw refused(e);
        }
    }

    @Override
    public Export attach(String name) throws ExportRefusedException {
        check(attachment == null, "a connection attaches one volume");
        attaching = true;
        try {
            String volume = name.isEmpty() ? onlyVolume().name() : name;
            requireAllowed(volume);
            attachment = volumes.attach(volume);
            return export(attachment.volume().info());
        } catch (VolumeException e) {
            throw refused(e);
        } finally {
            attaching = false;
        }
    }

    @Override
    public List<String> names() throws ExportRefusedException {
        try {
            return allowed().volumes().stream().map(VolumeInfo::name).toList();
        } catch (VolumeException e) {
            throw refused(e);
        }
    }

    /** What {@link #attach} attached. */
    Volume volume() {
        return Objects.requireNonNull(attachment, "nothing is attached").volume();
    }

    /** Any thread. */
    boolean isAttaching() {
        return attaching;
    }

    boolean isAttached() {
        return attachment != null;
    }

    @Override
    public void close() {
        if (attachment != null) {
            attachment.close();
        }
    }

    private VolumeInfo onlyVolume() throws VolumeException, ExportRefusedException {
        VolumeList all = allowed();
        // Another one does not become the default by damage to the record of one.
        int count = all.volumes().size() + all.unreadable().size();
        if (count != 1) {
            throw new ExportRefusedException(
                    Nbd.REP_ERR_UNKNOWN, "there are " + count + " volumes and no default: name one");
        }
        if (all.volumes().isEmpty()) {
            throw all.unreadable().getFirst().cause();
        }
        return all.volumes().getFirst();
    }

    private VolumeList allowed() throws VolumeException {
        VolumeList all = volumes.catalog().list();
        return new VolumeList(
                all.volumes().stream()
                        .filter(info -> access.allows(clientNames, info.name()))
                        .toList(),
                all.unreadable().stream()
                        .filter(bad -> access.allows(clientNames, bad.name()))
                        .toList());
    }

    /** Before it is looked for: who may not have a volume does not learn whether there is one. */
    private void requireAllowed(String volume) throws ExportRefusedException {
        if (!access.allows(clientNames, volume)) {
            // Those that only have names which cannot be shown count as without.
            String client = clientNames.isEmpty() ? "somebody without a name" : clientNames.getFirst();
            throw new ExportRefusedException(
                    Nbd.REP_ERR_POLICY, "the certificate of " + client + " is not allowed to volume '" + volume + "'");
        }
    }

    private Export export(VolumeInfo info) {
        int all = access.readOnly().covers(info.name()) ? flags | Nbd.TRANSMIT_READ_ONLY : flags;
        return new Export(
                info.name(), info.sizeBytes(), all, Math.max(info.blockBytes(), Nbd.BLOCK_BYTES_PREFERRED_MIN));
    }

    private static ExportRefusedException refused(VolumeException e) {
        return new ExportRefusedException(Errors.optionReplyOfKind(e.kind()), String.valueOf(e.getMessage()));
    }
}
