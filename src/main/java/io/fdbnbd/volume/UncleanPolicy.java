package io.fdbnbd.volume;

/** What becomes of a volume that was left unclean: see {@link UncleanMark}. */
public enum UncleanPolicy {
    /** It is refused, until somebody says that its clients have been restarted. */
    REFUSE,
    /** Whoever runs this server says so of all that other servers have left. */
    ACCEPT
}
