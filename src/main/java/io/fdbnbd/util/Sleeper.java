package io.fdbnbd.util;

import java.lang.invoke.VarHandle;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The sleep of one thread that works off what others leave for it. No wake-up is lost: who leaves something does so before
 * {@link #wake}, and who sleeps looks once more when it can be woken already.
 *
 * <p>Without a time to wake at, for which a virtual thread needs a timer, whose thread is then woken twice for every sleep;
 * JCTools' queues that block have one that never comes.
 */
public final class Sleeper {

    /** Who sleeps or is about to; who takes it out wakes it. */
    private final AtomicReference<@Nullable Thread> sleeping = new AtomicReference<>();

    /**
     * Sleeps until woken if there is nothing to do, or until an interrupt, or for no reason: to be called again and
     * again. One thread's at a time.
     *
     * @param nothingToDo must read what others write before {@link #wake} as volatile
     */
    public void sleepIf(BooleanSupplier nothingToDo) {
        sleeping.set(Thread.currentThread());
        if (nothingToDo.getAsBoolean()) {
            LockSupport.park(this);
        }
        sleeping.set(null);
    }

    /** Wakes who sleeps, if somebody does. Any thread, never waits. */
    public void wake() {
        // Either this sees that somebody sleeps, or that one sees what was left for it.
        VarHandle.fullFence();
        Thread thread = sleeping.get();
        if (thread != null && sleeping.compareAndSet(thread, null)) {
            LockSupport.unpark(thread);
        }
    }
}
