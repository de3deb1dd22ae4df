package io.fdbnbd.util;

import static io.fdbnbd.util.Checks.check;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.function.Supplier;

/** What the JVM says of what was allocated on the heap. */
public final class Allocation {
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private Allocation() {}

    /** Runs {@code task} on this thread, a platform one, and fails if it allocates more than {@code bytesMax}. */
    public static <T> T limited(long bytesMax, Supplier<T> task) {
        long before = THREADS.getCurrentThreadAllocatedBytes();
        T result = task.get();
        checkLimit(THREADS.getCurrentThreadAllocatedBytes() - before, bytesMax);
        return result;
    }

    /** Bytes that all threads have allocated since the JVM began. */
    public static long totalBytes() {
        return THREADS.getTotalThreadAllocatedBytes();
    }

    public static void checkLimit(long bytes, long bytesMax) {
        check(bytes <= bytesMax, bytes + " bytes were allocated, more than " + bytesMax);
    }
}
