package io.fdbnbd.bench;

/** Which requests are made, and where. */
public enum Pattern {
    RANDREAD(true),
    RANDWRITE(true),
    READ(false),
    WRITE(false),
    /** READs and WRITEs, at random. */
    MIXED(true);

    private final boolean random;

    Pattern(boolean random) {
        this.random = random;
    }

    boolean isRandom() {
        return random;
    }

    public boolean reads() {
        return this == RANDREAD || this == READ || this == MIXED;
    }

    public boolean writes() {
        return this == RANDWRITE || this == WRITE || this == MIXED;
    }
}
