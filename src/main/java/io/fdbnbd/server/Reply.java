package io.fdbnbd.server;

import io.fdbnbd.nbd.Request;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * The answer to a request that had to wait.
 *
 * @param arrivedNanos when it came, for {@link RequestTimes}
 * @param error 0 or the error of NBD
 * @param data what to send instead of a bare header: a buffer of the shared pool, whole with its header; null for none
 * @param bytes what the request took of {@link ReplySender#BYTES_MAX}
 */
record Reply(
        Request request,
        long arrivedNanos,
        int error,
        @Nullable ByteBuffer data,
        int bytes) {}
