package io.fdbnbd.volume;

/** How a volume's blocks are compressed before they are stored. A block that would not shrink is stored raw. */
public enum Compression {
    NONE(0),
    LZ4(1),
    ZSTD(2);

    private final int code;

    Compression(int code) {
        this.code = code;
    }

    /** The number that stands for this in a volume's record; never changes. */
    int code() {
        return code;
    }

    static Compression ofCode(int code) {
        for (Compression compression : values()) {
            if (compression.code == code) {
                return compression;
            }
        }
        throw new IllegalArgumentException("unknown compression " + code);
    }
}
