package io.fdbnbd.cli;

import io.fdbnbd.util.Sizes;
import io.fdbnbd.volume.Compression;
import io.fdbnbd.volume.VolumeException;
import io.fdbnbd.volume.VolumeInfo;
import io.fdbnbd.volume.VolumeSpec;
import java.io.IOException;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code fdb-nbd volume create}. */
@Command(
        name = "create",
        description = "Creates a volume. It takes no room until something is written to it.",
        footerHeading = "%nExamples:%n",
        footer = {
            "  fdb-nbd volume create disk 10G",
            "  fdb-nbd volume create logs 512M --block-size 16K --compression zstd",
            "  fdb-nbd volume create -- -odd-name 1G"
        })
final class CreateVolume extends VolumeAction {
    @Parameters(
            index = "0",
            paramLabel = "NAME",
            description = "What clients ask for: 1 to 255 bytes of UTF-8 without '/'.")
    private String name;

    @Parameters(
            index = "1",
            paramLabel = "SIZE",
            converter = Converters.Size.class,
            description = "In bytes, or with a unit: 512M, 10G, 2T (powers of 1024).")
    private long sizeBytes;

    @Option(
            names = "--block-size",
            paramLabel = "SIZE",
            converter = Converters.Size.class,
            description =
                    "What is read and written at once: a power of two from 512 to 64K. Default: ${DEFAULT-VALUE}.")
    private long blockBytes = VolumeSpec.BLOCK_BYTES_DEFAULT;

    @Option(
            names = "--compression",
            paramLabel = "HOW",
            converter = Converters.CompressionByName.class,
            description = "lz4, zstd (smaller, slower) or none. Default: lz4.")
    private Compression compression = Compression.LZ4;

    CreateVolume(Reach reach) {
        super(reach);
    }

    @Override
    List<String> request() {
        return List.of(
                "create",
                "--block-size=" + blockBytes,
                "--compression=" + compression.name().toLowerCase(Locale.ROOT),
                "--",
                name,
                String.valueOf(sizeBytes));
    }

    @Override
    boolean createsStore() {
        return true;
    }

    @Override
    void perform(Administration volumes) throws IOException {
        if (blockBytes > VolumeSpec.BLOCK_BYTES_MAX) {
            throw new VolumeException(
                    VolumeException.Kind.INVALID, "a block size is a power of two from 512 to 64K, not " + blockBytes);
        }
        VolumeInfo created =
                volumes.volumes().catalog().create(new VolumeSpec(name, sizeBytes, (int) blockBytes, compression));
        out().println("created volume " + Text.name(created.name()) + ", " + Sizes.format(created.sizeBytes()));
        for (String uri : volumes.uris(created)) {
            out().println("  " + uri);
        }
        if (volumes.addresses() == null) {
            out().println("To serve it: fdb-nbd serve");
        }
    }
}
