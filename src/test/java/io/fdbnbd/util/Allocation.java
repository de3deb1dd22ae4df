package io.fdbnbd.util;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.concurrent.Callable;

/** Limits what a task allocates on the heap, by what the JVM says of all threads. */
public final class Allocation {
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    /** A class that is loaded on the way, and instrumented, allocates too: what does not come again does not count. */
    private static final int ATTEMPTS_MAX = 5;

    private Allocation() {}

    /** Runs {@code task}, again if it allocated too much, and fails if it always allocates more than {@code bytesMax}. */
    public static <T> T limited(long bytesMax, Callable<T> task) throws Exception {
        long bytes = 0;
        for (int i = 0; i < ATTEMPTS_MAX; i++) {
            long before = THREADS.getTotalThreadAllocatedBytes();
            T result = task.call();
            bytes = THREADS.getTotalThreadAllocatedBytes() - before;
            if (bytes <= bytesMax) {
                return result;
            }
        }
        throw new IllegalStateException(bytes + " bytes were allocated, more than " + bytesMax);
    }
}
