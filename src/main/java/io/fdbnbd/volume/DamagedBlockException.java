package io.fdbnbd.volume;

/** A stored block that is not what was written there. */
final class DamagedBlockException extends Exception {

    private static final long serialVersionUID = 1L;

    DamagedBlockException(long block, String what) {
        super("stored block " + block + " is damaged: " + what);
    }
}
