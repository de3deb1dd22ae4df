package io.fdbnbd.cli;

import io.fdbnbd.util.Sizes;
import io.fdbnbd.volume.Catalog;
import io.fdbnbd.volume.VolumeException;
import io.fdbnbd.volume.VolumeInfo;
import io.fdbnbd.volume.VolumeSpec;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/** A volume that is to be there when the server serves. */
record WantedVolume(String name, long sizeBytes) {

    /** Reads NAME:SIZE; the name may hold colons. */
    static WantedVolume parse(String text) {
        int colon = text.lastIndexOf(':');
        if (colon < 1) {
            throw new IllegalArgumentException(
                    "\"" + text + "\" is no volume to create: write NAME:SIZE, like disk:10G");
        }
        long sizeBytes = Sizes.parse(text.substring(colon + 1));
        if (sizeBytes < 1 || sizeBytes > VolumeSpec.SIZE_BYTES_MAX) {
            throw new IllegalArgumentException("a volume's size is 1 byte to " + Sizes.format(VolumeSpec.SIZE_BYTES_MAX)
                    + ", not " + text.substring(colon + 1));
        }
        return new WantedVolume(text.substring(0, colon), sizeBytes);
    }

    /**
     * Creates those that are missing, and says of each what has become of it.
     *
     * @throws VolumeException EXISTS if one is there with another size, before anything has been created
     */
    static void createAll(List<WantedVolume> wanted, Catalog catalog, Consumer<String> say) throws VolumeException {
        Map<String, Long> sizes = new HashMap<>();
        for (WantedVolume volume : wanted) {
            Optional<VolumeInfo> existing = catalog.find(volume.name());
            if (existing.isPresent()) {
                volume.checkSame(existing.get().sizeBytes());
            }
            Long asked = sizes.put(volume.name(), volume.sizeBytes());
            if (asked != null) {
                volume.checkSame(asked);
            }
        }
        for (WantedVolume volume : wanted) {
            String what = "volume " + Text.name(volume.name()) + ", " + Sizes.format(volume.sizeBytes());
            if (catalog.find(volume.name()).isPresent()) {
                say.accept(what + ", is there already");
            } else {
                catalog.create(VolumeSpec.of(volume.name(), volume.sizeBytes()));
                say.accept("created " + what);
            }
        }
    }

    private void checkSame(long otherBytes) throws VolumeException {
        if (sizeBytes != otherBytes) {
            throw new VolumeException(
                    VolumeException.Kind.EXISTS,
                    "there is a volume " + Text.name(name) + " already, with " + otherBytes + " bytes and not "
                            + sizeBytes + ": give that size or another name (nothing was created)");
        }
    }
}
