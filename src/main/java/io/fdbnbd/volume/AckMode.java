package io.fdbnbd.volume;

/** When a write is answered. */
public enum AckMode {
    /** When it is in the write buffer; FLUSH and FUA wait for the commit: a disk with a volatile cache. */
    BUFFERED,
    /** When its transaction is durable, so that a client may go on with whatever server comes next. */
    COMMITTED
}
