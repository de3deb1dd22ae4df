package io.fdbnbd.server;

import io.fdbnbd.nbd.Request;
import io.fdbnbd.util.Threads;
import io.fdbnbd.volume.FlushPoint;
import io.fdbnbd.volume.Volume;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Makes the FLUSHes of one connection, in their order, on a thread that is there while one is asked for: they wait for
 * commits that need the volume's executor themselves. One sync at a time, for all FLUSHes whose writes have committed when
 * it begins. Bounded by what {@link ReplySender} lets wait.
 */
final class Flushes {
    private final Volume volume;
    private final Errors errors;
    private final ReplySender sender;
    private final String name;
    private final ReentrantLock lock = new ReentrantLock();

    // Guarded by lock.
    private final ArrayDeque<Waiting> waiting = new ArrayDeque<>();
    private boolean running;

    private record Waiting(Request request, long arrivedNanos, FlushPoint point) {}

    Flushes(Volume volume, Errors errors, ReplySender sender, String name) {
        this.volume = volume;
        this.errors = errors;
        this.sender = sender;
        this.name = name;
    }

    /** A FLUSH that the sender has counted. Never waits. The connection's reader. */
    void add(Request request, long arrivedNanos) {
        FlushPoint point = volume.flushPoint();
        lock.lock();
        try {
            waiting.add(new Waiting(request, arrivedNanos, point));
            if (running) {
                return;
            }
            running = true;
        } finally {
            lock.unlock();
        }
        Threads.startVirtual(name + "-flush", this::run);
    }

    private void run() {
        for (Waiting first = next(); first != null; first = next()) {
            sender.sendFromOwnThread(flush(first));
        }
    }

    private @Nullable Waiting next() {
        lock.lock();
        try {
            running = !waiting.isEmpty();
            return waiting.poll();
        } finally {
            lock.unlock();
        }
    }

    private List<Reply> flush(Waiting first) {
        List<Waiting> covered = new ArrayList<>();
        covered.add(first);
        try {
            volume.awaitCommitted(first.point());
            takeCommitted(covered);
            if (!volume.answersWhenCommitted()) {
                volume.sync();
            }
            return covered.stream().map(flush -> reply(flush, 0)).toList();
        } catch (Throwable e) { // there have to be replies, whatever happens
            return covered.stream()
                    .map(flush -> reply(flush, errors.report(volume.info().name(), flush.request(), e)))
                    .toList();
        }
    }

    private void takeCommitted(List<Waiting> covered) {
        lock.lock();
        try {
            while (!waiting.isEmpty() && volume.isCommitted(waiting.peek().point())) {
                covered.add(waiting.remove());
            }
        } finally {
            lock.unlock();
        }
    }

    private static Reply reply(Waiting flush, int error) {
        return new Reply(flush.request(), flush.arrivedNanos(), error, null, 0);
    }
}
