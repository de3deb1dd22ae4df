package io.fdbnbd.util;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Owns things that must be closed, and closes them in the reverse order of their registration. For what lives as long
 * as its owner: nothing can be taken out again.
 *
 * <p>Safe for any threads. {@code lock} guards {@code closed} and {@code closeables}; it is never held while something
 * is being closed, so a close that takes long or registers something else cannot deadlock.
 */
public final class Closer implements AutoCloseable {
    private final ReentrantLock lock = new ReentrantLock();
    private final Deque<AutoCloseable> closeables = new ArrayDeque<>();
    private boolean closed;

    /**
     * Takes ownership and returns the argument. If this closer has been closed already, the argument is closed at once
     * and the caller learns it: a part that is registered during a stop never outlives the stop.
     *
     * @throws IllegalStateException if it was too late; a failure to close the argument is suppressed in it
     */
    public <C extends AutoCloseable> C register(C closeable) {
        lock.lock();
        try {
            if (!closed) {
                closeables.push(closeable);
                return closeable;
            }
        } finally {
            lock.unlock();
        }
        IllegalStateException late = new IllegalStateException("registered after the close, and closed at once");
        closeOne(closeable, late);
        throw late;
    }

    /**
     * Closes everything, whatever fails on the way. The first failure is thrown, the others are suppressed in it;
     * checked ones that are no {@link IOException} come wrapped in one. A second call does nothing.
     */
    @Override
    public void close() throws IOException {
        Throwable first = null;
        for (AutoCloseable next = takeLast(); next != null; next = takeLast()) {
            first = closeOne(next, first);
        }
        switch (first) {
            case null -> {}
            case IOException e -> throw e;
            case RuntimeException e -> throw e;
            case Error e -> throw e;
            default -> throw new IOException("closing failed", first);
        }
    }

    private @Nullable AutoCloseable takeLast() {
        lock.lock();
        try {
            closed = true;
            return closeables.poll();
        } finally {
            lock.unlock();
        }
    }

    // Everything is caught: the rest has to be closed even after an Error, which is thrown at the end.
    // Identity is meant: two parts may throw the very same exception, which cannot be suppressed in itself.
    @SuppressWarnings("ReferenceEquality")
    private static @Nullable Throwable closeOne(AutoCloseable closeable, @Nullable Throwable first) {
        try {
            closeable.close();
            return first;
        } catch (Throwable failure) {
            if (failure instanceof InterruptedException) {
                Thread.currentThread().interrupt();
            }
            if (first == null) {
                return failure;
            }
            if (first != failure) {
                first.addSuppressed(failure);
            }
            return first;
        }
    }
}
