package io.fdbnbd.util;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

class GateTest {
    private static final int CALLERS = 3;

    @Test
    void callsPassWhileItIsOpen() {
        Gate gate = new Gate("it");
        gate.enter();
        gate.enter();
        gate.leave();
        gate.leave();
        assertTrue(gate.close());
    }

    @Test
    void callsAreRefusedAfterTheClose() {
        Gate gate = new Gate("the thing");
        assertTrue(gate.close());
        for (int i = 0; i < 3; i++) {
            IllegalStateException refusal = assertThrows(IllegalStateException.class, gate::enter);
            assertEquals("the thing is closed", refusal.getMessage());
        }
        assertFalse(gate.close(), "a second close must not release anything again");
    }

    @Test
    void anInterruptDoesNotEndTheWaiting() throws Exception {
        Gate gate = new Gate("it");
        gate.enter();
        AtomicBoolean left = new AtomicBoolean();
        FutureTask<Boolean> close = new FutureTask<>(() -> {
            gate.close();
            return left.get() && Thread.currentThread().isInterrupted();
        });
        Thread closer = Thread.ofPlatform().name("closer").start(close);
        closer.interrupt();
        awaitClosed(gate);
        left.set(true);
        gate.leave();
        assertTrue(close.get(), "the close did not wait, or lost the interrupt");
        closer.join();
    }

    @Test
    void nobodyIsInsideOnceItIsClosed() throws Exception {
        for (int round = 0; round < 200; round++) {
            Gate gate = new Gate("it");
            AtomicBoolean freed = new AtomicBoolean();
            List<FutureTask<Boolean>> calls = new ArrayList<>();
            for (int i = 0; i < CALLERS; i++) {
                FutureTask<Boolean> call = new FutureTask<>(() -> callUntilClosed(gate, freed));
                calls.add(call);
                Thread.ofPlatform().name("caller-" + i).start(call);
            }
            gate.close();
            freed.set(true);
            for (FutureTask<Boolean> call : calls) {
                assertFalse(call.get(), "a call was inside after the close");
            }
        }
    }

    private static boolean callUntilClosed(Gate gate, AtomicBoolean freed) {
        boolean usedAfterFree = false;
        while (true) {
            try {
                gate.enter();
            } catch (IllegalStateException e) {
                return usedAfterFree;
            }
            usedAfterFree |= freed.get();
            gate.leave();
        }
    }

    private static void awaitClosed(Gate gate) {
        while (true) {
            try {
                gate.enter();
            } catch (IllegalStateException e) {
                return;
            }
            gate.leave();
        }
    }
}
